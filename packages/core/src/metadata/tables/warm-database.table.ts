import type { ColumnType, Selectable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

export type WarmDatabaseState = 'making' | 'ready' | 'dropping';

/** The table `warm_databases`: empty Results DBs, each made before the organization that will have it. */
export interface WarmDatabaseTable {
  /** Of the organization to come. The database's name and stamp come from it. */
  org_id: string;
  cluster: string;
  /** SHA-256 of the migrations that made it. One of another digest is never handed out. */
  schema_digest: string;
  state: ColumnType<WarmDatabaseState, WarmDatabaseState | undefined, WarmDatabaseState>;
  created_at: TimestampColumn;
}

/** A row of `warm_databases`. */
export type WarmDatabaseRow = Selectable<WarmDatabaseTable>;
