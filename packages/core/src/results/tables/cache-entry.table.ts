import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableBigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';
import type { JsonbColumn, NullableTimestampColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** A result that may be served again to whoever asks the same. */
export interface ResultCacheTable {
  cache_key: string;
  pipeline_version: string;
  /** Step instance in the canonical job; `*` for a whole job. */
  task_name: string;
  /** The job that really ran; deleting it deletes the entry. */
  canonical_job_id: string;
  /** 0..1; null = not scored, served only where no threshold is set. */
  confidence_score: number | null;
  /** Output key → artifact URI. */
  artifact_map: JsonbColumn<Readonly<Record<string, string>>>;
  metrics_summary: JsonbColumn;
  hit_count: Generated<number>;
  last_used_at: TimestampColumn;
  created_at: TimestampColumn;
  expires_at: NullableTimestampColumn;

  pinned: Generated<boolean>;
  invalidated_at: NullableTimestampColumn;
  invalidated_reason: string | null;
  /** The facts behind the key, kept so that a miss can be explained. */
  key_components: JsonbColumn;
  /** What computed the result: task, version, image. */
  producer: JsonbColumn;
  input_signature: string | null;
  /** What a hit saves. */
  compute_ms: NullableBigintColumn;
  size_bytes: NullableBigintColumn;

  /** `exact`, `seeded`, `stochastic` or `external`. */
  determinism: string | null;
  /** Digest of each artifact → its size in bytes. */
  artifact_sizes: JsonbColumn<Readonly<Record<string, number>>>;
  /** SHA-256 over the rows that a hit serves, as the database holds them. */
  content_digest: string | null;
  /** HMAC of the entry under its organization's key; without one it is not served. */
  seal: string | null;
  /** Each use moves `expires_at` to so long from then. */
  sliding_ms: NullableBigintColumn;
  /** A hit was sampled: its result is to be computed again and compared. */
  rerun_wanted_at: NullableTimestampColumn;
  /** When all of it was last verified on request. */
  verified_at: NullableTimestampColumn;
}

/** A row of `result_cache` as repositories return it, bigints as numbers. */
export type CacheEntryRow = WithNumbers<Selectable<ResultCacheTable>>;
/** What an insert into `result_cache` takes; columns with a default may be left out. */
export type NewCacheEntryRow = Insertable<ResultCacheTable>;
/** What an update of `result_cache` may set. */
export type CacheEntryRowUpdate = Updateable<ResultCacheTable>;
