import { sqlMigration } from '../../postgres/sql-migration.ts';

const own = "current_user = 'mad_organization' AND org_id = nullif(current_setting('mad.org_id', true), '')::uuid";
const isOperator = "current_user = 'mad_operator'";

/** Runs that migrate all Results DBs, and what became of each organization in them. Only an operator writes; an organization reads its own rows. */
export const fleet = sqlMigration([
  `CREATE TABLE fleet_migrations (
  fleet_migration_id UUID PRIMARY KEY,
  target       TEXT NOT NULL,
  waves        INTEGER NOT NULL,
  takes_all    BOOLEAN NOT NULL,
  max_failures INTEGER NOT NULL,
  status       TEXT NOT NULL DEFAULT 'running'
    CONSTRAINT fleet_migrations_status_check CHECK (status IN ('running', 'paused', 'done', 'stopped', 'superseded')),
  started_by   UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
  started_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  ended_at     TIMESTAMPTZ NULL
)`,
  'CREATE UNIQUE INDEX fleet_migrations_open_key ON fleet_migrations((ended_at IS NULL)) WHERE ended_at IS NULL',
  'CREATE INDEX idx_fleet_migrations_started_by ON fleet_migrations(started_by)',
  `CREATE TABLE fleet_migration_organizations (
  fleet_migration_id UUID NOT NULL REFERENCES fleet_migrations(fleet_migration_id) ON DELETE CASCADE,
  org_id           UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
  wave             INTEGER NOT NULL,
  state            TEXT NOT NULL DEFAULT 'pending'
    CONSTRAINT fleet_organizations_state_check CHECK (state IN ('pending', 'running', 'done', 'failed')),
  from_version     TEXT NULL,
  to_version       TEXT NULL,
  attempts         INTEGER NOT NULL DEFAULT 0,
  error_code       TEXT NULL,
  error_message    TEXT NULL,
  holder           UUID NULL,
  lease_expires_at TIMESTAMPTZ NULL,
  started_at       TIMESTAMPTZ NULL,
  finished_at      TIMESTAMPTZ NULL,
  PRIMARY KEY (fleet_migration_id, org_id)
) WITH (fillfactor = 50)`,
  'CREATE INDEX idx_fleet_organizations_org_id ON fleet_migration_organizations(org_id)',
  `CREATE TRIGGER mad_keep_organization BEFORE UPDATE ON fleet_migration_organizations FOR EACH ROW
  WHEN (OLD.org_id IS DISTINCT FROM NEW.org_id) EXECUTE FUNCTION mad_keep_organization()`,
  // No organization owns a run: its table is not forced, as `users` is not.
  'ALTER TABLE fleet_migrations ENABLE ROW LEVEL SECURITY',
  `CREATE POLICY mad_operator_all ON fleet_migrations TO mad_operator USING (${isOperator}) WITH CHECK (${isOperator})`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON fleet_migrations TO mad_operator',
  'ALTER TABLE fleet_migration_organizations ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE fleet_migration_organizations FORCE ROW LEVEL SECURITY',
  `CREATE POLICY mad_organization_read ON fleet_migration_organizations FOR SELECT TO mad_organization USING (${own})`,
  `CREATE POLICY mad_operator_all ON fleet_migration_organizations TO mad_operator USING (${isOperator}) WITH CHECK (${isOperator})`,
  'GRANT SELECT ON fleet_migration_organizations TO mad_organization',
  'GRANT SELECT, INSERT, UPDATE, DELETE ON fleet_migration_organizations TO mad_operator',
]);
