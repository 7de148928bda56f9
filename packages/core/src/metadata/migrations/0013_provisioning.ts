import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * Databases made ahead, each for an organization to come: it has that one's id for its name and its stamp already. Its row goes in the transaction that
 * writes the organization. Nobody is a member of one before: only operators read and write here.
 */
export const provisioning = sqlMigration([
  `CREATE TABLE warm_databases (
  org_id        UUID PRIMARY KEY,
  cluster       TEXT NOT NULL,
  schema_digest TEXT NOT NULL,
  state         TEXT NOT NULL DEFAULT 'making' CONSTRAINT warm_databases_state_check CHECK (state IN ('making', 'ready', 'dropping')),
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now()
)`,
  "CREATE INDEX idx_warm_databases_ready ON warm_databases(cluster, schema_digest, org_id) WHERE state = 'ready'",
  'ALTER TABLE warm_databases ENABLE ROW LEVEL SECURITY',
  `CREATE POLICY mad_operator_all ON warm_databases TO mad_operator USING (current_user = 'mad_operator') WITH CHECK (current_user = 'mad_operator')`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON warm_databases TO mad_operator',
]);
