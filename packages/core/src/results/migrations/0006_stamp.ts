import { sqlMigration } from '../../postgres/sql-migration.ts';

/** Whose database this is: one row, written once. */
export const stamp = sqlMigration([
  `CREATE TABLE results_database (
  org_id     UUID PRIMARY KEY,
  stamped_at TIMESTAMPTZ NOT NULL DEFAULT now()
)`,
  `CREATE UNIQUE INDEX uq_results_database_single ON results_database((true))`,
  `CREATE FUNCTION mad_refuse_stamp_change() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION 'the stamp of a results database cannot be changed'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'results_database_fixed', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
      HINT = 'make a new results database for another organization';
END $$`,
  `CREATE TRIGGER results_database_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON results_database
  FOR EACH STATEMENT EXECUTE FUNCTION mad_refuse_stamp_change()`,
]);
