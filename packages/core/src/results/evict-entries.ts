import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

export interface EvictEntries {
  /** What the entries that stay may take, files and rows. */
  readonly maxBytes: number;
  readonly dryRun: boolean;
  readonly actor: string | null;
}

export interface EvictedEntry {
  readonly cache_key: string;
  readonly bytes: number;
  /** Milliseconds of computing that a byte saves, less the longer nobody used it. */
  readonly value: number;
}

/** Of the components of an entry: what was asked is kept with the eviction, so that times of before can still be compared. */
const MAX_KEPT_BYTES = 4_096;

/**
 * Deletes the entries of least worth until the rest fits: first those that are not served, then by compute time × recency ÷ bytes, recency 1 ÷ (1 + days since
 * the last use). Pinned entries stay, whatever they take. Files that several entries name count for each.
 */
export async function evictEntryRows(
  db: ResultsDatabase,
  { maxBytes, dryRun, actor }: EvictEntries,
): Promise<readonly EvictedEntry[]> {
  const s = schemaOf(db);
  const worth = `WITH valued AS (
  SELECT cache_key, canonical_job_id, confidence_score, pinned, hit_count, task_name, producer, key_components, metrics_summary, created_at, coalesce(size_bytes, 0) AS bytes,
    invalidated_at IS NULL AND (expires_at IS NULL OR expires_at > now() OR pinned) AS served,
    coalesce(compute_ms, 0) / (1 + greatest(extract(epoch FROM now() - last_used_at)::float8, 0) / 86400) / greatest(coalesce(size_bytes, 0), 1) AS value
  FROM ${s}result_cache
), ranked AS (
  SELECT *, sum(bytes) OVER (ORDER BY pinned DESC, served DESC, value DESC, cache_key) AS running FROM valued
), leaving AS (SELECT * FROM ranked WHERE running > $1 AND NOT pinned)`;
  const doing = `, done AS (DELETE FROM ${s}result_cache e USING leaving WHERE e.cache_key = leaving.cache_key AND NOT e.pinned RETURNING e.cache_key
), told AS (
  INSERT INTO ${s}cache_events (cache_key, event, reason, canonical_job_id, confidence_score, actor, metadata)
  SELECT cache_key, 'EVICTED', NULL, canonical_job_id, confidence_score, $2::uuid, jsonb_build_object('bytes', bytes, 'value', value, 'hit_count', hit_count,
    'task_name', task_name, 'producer', producer, 'task', key_components->'task', 'tasks', key_components->'tasks', 'created_at', created_at,
    'input_bytes', metrics_summary->'input_bytes', 'parameters', CASE WHEN pg_column_size(key_components) <= ${MAX_KEPT_BYTES} THEN key_components->'parameters' END)
  FROM leaving JOIN done USING (cache_key)
)`;
  const picked = 'cache_key, bytes::float8 AS bytes, value';
  const text = dryRun
    ? `${worth} SELECT ${picked} FROM leaving ORDER BY value, cache_key`
    : `${worth}${doing} SELECT ${picked} FROM leaving JOIN done USING (cache_key) ORDER BY value, cache_key`;
  const { rows } = await db.executeQuery<EvictedEntry>(
    CompiledQuery.raw(text, dryRun ? [maxBytes] : [maxBytes, actor]),
  );
  return rows;
}
