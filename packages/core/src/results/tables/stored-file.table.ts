import type { Insertable, Selectable } from 'kysely';
import type { BigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';

/** A file that a job was given or made, until it is deleted from the artifact store. */
export interface StoredFilesTable {
  /** SHA-256, 64 lower-case hex digits. */
  digest: string;
  size_bytes: BigintColumn;
}

/** A row of `stored_files` as repositories return it, bigints as numbers. */
export type StoredFileRow = WithNumbers<Selectable<StoredFilesTable>>;
/** What an insert into `stored_files` takes. */
export type NewStoredFileRow = Insertable<StoredFilesTable>;
