import type { Insertable, Selectable } from 'kysely';

/** A part of the bytes of all `stored_files`: their sum over all parts, which are many so that writers do not wait for each other. */
export interface StorageUsageTable {
  part: number;
  /** A decimal number; below 0 where the part took away what others had added. */
  bytes: string;
}

/** A row of `storage_usage`. */
export type StorageUsageRow = Selectable<StorageUsageTable>;
/** What an insert into `storage_usage` takes. */
export type NewStorageUsageRow = Insertable<StorageUsageTable>;
