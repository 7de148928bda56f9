import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableTimestampColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** `running` and `paused` are open; `stopped` ended at too many failures, `superseded` because a newer version came. */
export type FleetMigrationStatus = 'running' | 'paused' | 'done' | 'stopped' | 'superseded';

/** A run that brings all Results DBs to one version. One is open at a time. */
export interface FleetMigrationTable {
  fleet_migration_id: string;
  /** Name of the newest migration of the track. */
  target: string;
  /** How many waves it has. */
  waves: number;
  /** Whether organizations that come meanwhile join the last wave. */
  takes_all: boolean;
  /** With more failures no further wave begins. */
  max_failures: number;
  status: Generated<FleetMigrationStatus>;
  /** The user who began it; null: a program. */
  started_by: string | null;
  started_at: TimestampColumn;
  /** Null while it is open. */
  ended_at: NullableTimestampColumn;
}

/** A row of `fleet_migrations`. */
export type FleetMigrationRow = Selectable<FleetMigrationTable>;
/** A row to insert into `fleet_migrations`; columns with a default may be left out. */
export type NewFleetMigrationRow = Insertable<FleetMigrationTable>;
/** The columns of `fleet_migrations` to change. */
export type FleetMigrationRowUpdate = Updateable<FleetMigrationTable>;
