import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * Databases made ahead for organizations to come. No organization owns one before it takes it, and then its row goes as soon as the database has the
 * organization's name: only operators read and write here. An organization that goes half-way leaves its row, so that the database is still known.
 */
export const provisioning = sqlMigration([
  `CREATE TABLE warm_databases (
  database_name TEXT PRIMARY KEY CONSTRAINT warm_databases_database_name_check CHECK (octet_length(database_name) BETWEEN 1 AND 63),
  cluster       TEXT NOT NULL,
  schema_digest TEXT NOT NULL,
  state         TEXT NOT NULL DEFAULT 'making' CONSTRAINT warm_databases_state_check CHECK (state IN ('making', 'ready', 'taken', 'dropping')),
  org_id        UUID NULL REFERENCES organizations(org_id) ON DELETE SET NULL,
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now()
)`,
  'CREATE UNIQUE INDEX warm_databases_org_id_key ON warm_databases(org_id) WHERE org_id IS NOT NULL',
  "CREATE INDEX idx_warm_databases_ready ON warm_databases(cluster, schema_digest, database_name) WHERE state = 'ready'",
  'ALTER TABLE warm_databases ENABLE ROW LEVEL SECURITY',
  `CREATE POLICY mad_operator_all ON warm_databases TO mad_operator USING (current_user = 'mad_operator') WITH CHECK (current_user = 'mad_operator')`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON warm_databases TO mad_operator',
]);
