import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * A Results DB on its way: what is being done with it, by which call, and the other place that has a part in it. That is where a move goes to
 * until it has switched (`move`, `move_back`), and where the organization was before until that is dropped (`move_drop`).
 */
export const organizationLife = sqlMigration([
  // The nil uuid names no row, and the chain of the platform's audit trail.
  ...['organizations.org_id', 'users.user_id'].map((column) => {
    const [table, id] = column.split('.');
    return `ALTER TABLE ${table} ADD CONSTRAINT ${table}_${id}_check CHECK (${id} <> '00000000-0000-0000-0000-000000000000')`;
  }),
  'ALTER TABLE org_databases DROP CONSTRAINT org_databases_state_check',
  `ALTER TABLE org_databases ADD CONSTRAINT org_databases_state_check
    CHECK (state IN ('provisioning', 'ready', 'migrating', 'moving', 'failed', 'deleting', 'deleted'))`,
  `ALTER TABLE org_databases
    ADD COLUMN transition TEXT NULL CONSTRAINT org_databases_transition_check
      CHECK (transition IN ('move', 'move_back', 'move_drop', 'restore', 'offboard')),
    ADD COLUMN transition_id UUID NULL,
    ADD COLUMN other_placement TEXT NULL,
    ADD COLUMN other_cluster TEXT NULL,
    ADD COLUMN other_database_name TEXT NULL,
    ADD COLUMN other_schema_name TEXT NULL`,
]);
