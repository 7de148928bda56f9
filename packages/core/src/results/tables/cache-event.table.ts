import type { ColumnType, Insertable, Selectable } from 'kysely';
import type { BigintValue, WithNumbers } from '../../postgres/bigint-column.ts';
import type { JsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** What happened to entries of the cache; only ever added to. */
export interface CacheEventsTable {
  event_id: ColumnType<BigintValue, never, never>;
  cache_key: string;
  ts: TimestampColumn;
  /** `RECORDED_BETTER`, `RECORDED_ANEW` (in place of one that was not served), `INVALIDATED`, `QUARANTINED`, `DISOWNED`, `DRIFTED`, `EVICTED`, `PINNED`, `UNPINNED`, `EXPIRY_SET`. */
  event: string;
  reason: string | null;
  /** The job whose result the entry held before. */
  canonical_job_id: string | null;
  confidence_score: number | null;
  /** The user who asked for it; null: the cache itself. */
  actor: string | null;
  metadata: JsonbColumn;
}

/** A row of `cache_events` as repositories return it, bigints as numbers. */
export type CacheEventRow = WithNumbers<Selectable<CacheEventsTable>>;
/** What an insert into `cache_events` takes. */
export type NewCacheEventRow = Insertable<CacheEventsTable>;
