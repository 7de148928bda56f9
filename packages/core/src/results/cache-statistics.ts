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
  /** Of the hits, those that had waited for another job to compute. */
  readonly hitsAfterWaiting: number;
  /** Reason → steps and whole jobs that were not. Beside the reasons of the cache: `refresh`, it was not to be asked; `off`, nor to record. */
  readonly misses: Readonly<Record<string, number>>;
  /** What the services would have taken to compute the hits again, by what they took: of a whole job all its steps. Eviction changes nothing; it falls when jobs that computed are deleted. */
  readonly savedMs: number;
  /** How often a step or a whole job began to wait for another job to compute, whatever came of it. */
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
  SELECT v.event, v.job_id, v.detail, v.metadata->>'cache_key' AS cache_key, (v.metadata->>'canonical_job_id')::uuid AS canonical FROM ${s}job_events v
  WHERE v.event IN ('TASK_CACHED', 'CACHE_HIT', 'TASK_JOINED', 'JOB_JOINED') AND ($1::timestamptz IS NULL OR v.ts >= $1)
), waited AS (
  SELECT DISTINCT v.job_id, CASE v.event WHEN 'TASK_JOINED' THEN v.detail END AS detail FROM ${s}job_events v WHERE v.event IN ('TASK_JOINED', 'JOB_JOINED')
), counted AS (
  SELECT count(*) FILTER (WHERE event IN ('TASK_CACHED', 'CACHE_HIT')) AS hits,
    count(*) FILTER (WHERE event IN ('TASK_CACHED', 'CACHE_HIT') AND waited.job_id IS NOT NULL) AS after_waiting,
    count(*) FILTER (WHERE event IN ('TASK_JOINED', 'JOB_JOINED')) AS joined
  FROM told LEFT JOIN waited ON waited.job_id = told.job_id AND waited.detail IS NOT DISTINCT FROM CASE told.event WHEN 'TASK_CACHED' THEN told.detail END
), whole AS (
  SELECT canonical AS job_id, count(*) AS times FROM told WHERE event = 'CACHE_HIT' GROUP BY canonical
), served AS (
  SELECT job_id, cache_key, sum(times) AS times FROM (
    SELECT canonical AS job_id, cache_key, 1 AS times FROM told WHERE event = 'TASK_CACHED'
    UNION ALL
    SELECT (v.metadata->>'canonical_job_id')::uuid, v.metadata->>'cache_key', whole.times FROM whole JOIN ${s}job_events v USING (job_id) WHERE v.event = 'TASK_CACHED'
  ) g GROUP BY job_id, cache_key
), computed AS MATERIALIZED (
  SELECT v.job_id, v.detail AS task_name, (v.metadata->>'compute_ms')::float8 AS ms FROM ${s}job_events v
  WHERE v.event = 'TASK_COMPLETED' AND v.job_id IN (SELECT job_id FROM whole UNION SELECT job_id FROM served)
), took AS (
  SELECT job_id, x.cache_key, max(ms) AS ms FROM computed JOIN ${s}task_executions x USING (job_id, task_name)
  WHERE x.status = 'COMPLETED' AND x.cache_key IS NOT NULL GROUP BY job_id, x.cache_key
), saved AS (
  SELECT coalesce(sum(ms), 0) AS ms FROM (
    SELECT served.times * took.ms AS ms FROM served JOIN took USING (job_id, cache_key)
    UNION ALL
    SELECT whole.times * computed.ms FROM whole JOIN computed USING (job_id)
  ) g
), missed AS (
  SELECT reason, count(*) AS number FROM (
    SELECT coalesce(x.cache_outcome, CASE WHEN x.cache_key IS NULL THEN 'off' ELSE 'refresh' END) AS reason FROM ${s}task_executions x
    WHERE x.retries = 0 AND x.started_at IS NOT NULL AND x.cache_outcome IS DISTINCT FROM 'hit' AND ($1::timestamptz IS NULL OR x.started_at >= $1)
    UNION ALL
    SELECT CASE WHEN j.cache->>'use' = 'false' THEN 'refresh' ELSE j.cache->>'reason' END FROM ${s}jobs j WHERE j.cache->>'reason' IS NOT NULL AND j.canonical_job_id IS NULL AND ($1::timestamptz IS NULL OR j.created_at >= $1)
  ) r GROUP BY reason
)
SELECT held.entries::float8, held.bytes::float8, counted.hits::float8, counted.after_waiting::float8, counted.joined::float8,
  saved.ms::float8 AS saved,
  (SELECT coalesce(jsonb_object_agg(reason, number), '{}') FROM missed) AS misses
FROM held, counted, saved`;
  const { rows } = await db.executeQuery<{
    entries: number;
    bytes: number;
    hits: number;
    after_waiting: number;
    joined: number;
    saved: number;
    misses: Record<string, number>;
  }>(CompiledQuery.raw(text, [since?.toISOString() ?? null]));
  const { entries = 0, bytes = 0, hits = 0, after_waiting = 0, joined = 0, saved = 0, misses = {} } = rows[0] ?? {};
  return { entries, bytes, hits, hitsAfterWaiting: after_waiting, misses, savedMs: saved, flightsJoined: joined };
}
