import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { BigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';

/** Who computes a cache key right now, so that others can wait instead of computing it too. */
export interface CacheFlightsTable {
  cache_key: string;
  owner: string;
  /** The job that computes; its deletion ends the flight. */
  job_id: string | null;
  lease_expires_at: ColumnType<Date, Date, Date>;
  /** Drawn from one sequence for all keys: it rises for ever, also past the deletion of a row. */
  fence: BigintColumn;
  /** Step instance of `job_id` that computes; `*` for the whole job, which holds the flight as long as it is open. */
  task_name: string | null;
  /** 0..1, as its service reports it. */
  progress: number | null;
  /** It has ended without a result that others may have. */
  unshared: Generated<boolean>;
}

/** A row of `cache_flights` as repositories return it, bigints as numbers. */
export type CacheFlightRow = WithNumbers<Selectable<CacheFlightsTable>>;
/** What an insert into `cache_flights` takes; columns with a default may be left out. */
export type NewCacheFlightRow = Insertable<CacheFlightsTable>;
/** What an update of `cache_flights` may set. */
export type CacheFlightRowUpdate = Updateable<CacheFlightsTable>;
