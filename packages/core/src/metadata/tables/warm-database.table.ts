import type { ColumnType, Selectable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

export type WarmDatabaseState = 'making' | 'ready' | 'taken' | 'dropping';

/** The table `warm_databases`: empty Results DBs, made before the organizations that will take them. */
export interface WarmDatabaseTable {
  /** Its name until it is taken; the database may not be there yet while it is made, and not any more once it is taken. */
  database_name: string;
  cluster: string;
  /** SHA-256 of the migrations that made it. One of another digest is never handed out. */
  schema_digest: string;
  state: ColumnType<WarmDatabaseState, WarmDatabaseState | undefined, WarmDatabaseState>;
  /** Who has taken it. Null in `taken`: an organization that was deleted before it came into being. */
  org_id: string | null;
  created_at: TimestampColumn;
}

/** A row of `warm_databases`. */
export type WarmDatabaseRow = Selectable<WarmDatabaseTable>;
