import type { Generated, Selectable } from 'kysely';
import type { NullableTimestampColumn } from '../../postgres/column-types.ts';

export type FleetOrganizationState = 'pending' | 'running' | 'done' | 'failed';

/** What became of one organization in one run: the ledger of the fleet. */
export interface FleetMigrationOrganizationTable {
  fleet_migration_id: string;
  org_id: string;
  /** Counted from 0. */
  wave: number;
  state: Generated<FleetOrganizationState>;
  /** What `org_databases` said when it was begun. */
  from_version: string | null;
  /** What the database itself said when it was done. */
  to_version: string | null;
  /** How often it was begun. */
  attempts: Generated<number>;
  /** Code of a MadError, or the SQLSTATE. */
  error_code: string | null;
  error_message: string | null;
  /** The process that has it, under a lease by the database's clock. Null unless running. */
  holder: string | null;
  lease_expires_at: NullableTimestampColumn;
  started_at: NullableTimestampColumn;
  finished_at: NullableTimestampColumn;
}

/** A row of `fleet_migration_organizations`. */
export type FleetMigrationOrganizationRow = Selectable<FleetMigrationOrganizationTable>;
