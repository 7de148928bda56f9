import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** What a cache holds and what it did, of one organization. */
export interface CacheStatistics {
  /** That may be served now. */
  readonly entries: number;
  /** Of these; a file that several name counts for each. */
  readonly bytes: number;
  /** Steps and whole jobs that were given a result, those that waited for it included. */
  readonly hits: number;
  /** Reason → steps and whole jobs that were not. Beside the reasons of the cache: `refresh`, it was not to be asked; `off`, nor to record. */
  readonly misses: Readonly<Record<string, number>>;
  /** What computing them again would have taken, as far as their entries are still there. */
  readonly savedMs: number;
  /** Steps and whole jobs that waited for another job to compute. */
  readonly flightsJoined: number;
}

/** One statement. `since` counts decisions made then or later; the entries are those that are there now. */
export async function readCacheStatistics(
  db: ResultsDatabase,
  { since }: { readonly since?: Date | undefined } = {},
): Promise<CacheStatistics> {
  const s = schemaOf(db);
  const text = `WITH held AS (
  SELECT count(*) AS entries, coalesce(sum(size_bytes), 0) AS bytes FROM ${s}result_cache
  WHERE invalidated_at IS NULL AND (expires_at IS NULL OR expires_at > now() OR pinned)
), told AS (
  SELECT v.event, v.job_id, v.metadata FROM ${s}job_events v
  WHERE v.event IN ('TASK_CACHED', 'CACHE_HIT', 'TASK_JOINED', 'JOB_JOINED') AND ($1::timestamptz IS NULL OR v.ts >= $1)
), counted AS (
  SELECT count(*) FILTER (WHERE event IN ('TASK_CACHED', 'CACHE_HIT')) AS hits,
    count(*) FILTER (WHERE event IN ('TASK_JOINED', 'JOB_JOINED')) AS joined FROM told
), saved AS (
  SELECT coalesce(sum(e.compute_ms), 0) AS ms FROM told LEFT JOIN ${s}jobs j ON j.job_id = told.job_id AND told.event = 'CACHE_HIT'
  JOIN ${s}result_cache e ON e.cache_key = CASE WHEN told.event = 'TASK_CACHED' THEN told.metadata->>'cache_key' ELSE j.cache->>'cache_key' END
  WHERE told.event IN ('TASK_CACHED', 'CACHE_HIT')
), missed AS (
  SELECT reason, count(*) AS number FROM (
    SELECT coalesce(x.cache_outcome, CASE WHEN x.cache_key IS NULL THEN 'off' ELSE 'refresh' END) AS reason FROM ${s}task_executions x
    WHERE x.retries = 0 AND x.started_at IS NOT NULL AND x.cache_outcome IS DISTINCT FROM 'hit' AND ($1::timestamptz IS NULL OR x.started_at >= $1)
    UNION ALL
    SELECT CASE WHEN j.cache->>'use' = 'false' THEN 'refresh' ELSE j.cache->>'reason' END FROM ${s}jobs j WHERE j.cache->>'reason' IS NOT NULL AND j.canonical_job_id IS NULL AND ($1::timestamptz IS NULL OR j.created_at >= $1)
  ) r GROUP BY reason
)
SELECT held.entries::float8, held.bytes::float8, counted.hits::float8, counted.joined::float8,
  saved.ms::float8 AS saved,
  (SELECT coalesce(jsonb_object_agg(reason, number), '{}') FROM missed) AS misses
FROM held, counted, saved`;
  const { rows } = await db.executeQuery<{
    entries: number;
    bytes: number;
    hits: number;
    joined: number;
    saved: number;
    misses: Record<string, number>;
  }>(CompiledQuery.raw(text, [since?.toISOString() ?? null]));
  const { entries = 0, bytes = 0, hits = 0, joined = 0, saved = 0, misses = {} } = rows[0] ?? {};
  return { entries, bytes, hits, misses, savedMs: saved, flightsJoined: joined };
}
