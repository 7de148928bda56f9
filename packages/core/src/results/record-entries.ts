import { CompiledQuery } from 'kysely';
import type { JsonObject } from '../json.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import { stepContentDigestSql } from './content-digest.ts';
import { LOOKED_UP, type LookedUpEntry } from './look-up-entries.ts';
import type { ResultsTransaction } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import { toCleanJsonText } from './to-jsonb.ts';

/** A result that may become an entry. */
export interface EntryToWeigh {
  readonly cache_key: string;
  readonly task_name: string;
  readonly canonical_job_id: string;
  readonly artifact_map: JsonObject;
  readonly artifact_sizes: JsonObject;
  readonly producer: JsonObject;
}

/** The new result as the database writes it, and the entry that stands in its place: its columns are null where there is none. */
export interface WeighedEntry extends Nullable<LookedUpEntry> {
  readonly new_key: string;
  readonly new_artifact_map: string;
  readonly new_artifact_sizes: string;
  readonly new_producer: string;
  /** Null when the rows of the result are not there. */
  readonly new_digest: string | null;
  readonly new_result_bytes: number | null;
  /** The new answer of a step, where it differs from that of the entry. */
  readonly new_result: string | null;
  /** A step of the same job came out otherwise than before, or what it was given was taken out of service since. */
  readonly has_drifted: boolean;
  readonly metadata: JsonObject | null;
}

type Nullable<Row> = { readonly [Column in keyof Row]: Row[Column] | null };

/** Locks the entries that stand in the place of new results, and returns one row a result. */
export async function weighEntries(
  tx: ResultsTransaction,
  { entries }: { readonly entries: readonly EntryToWeigh[] },
): Promise<readonly WeighedEntry[]> {
  const text = prepared(weighText(schemaOf(tx)));
  const { rows } = await tx.executeQuery<WeighedEntry>(
    CompiledQuery.raw(text, [toCleanJsonText(entries as unknown as JsonObject[])]),
  );
  return rows;
}

const weighText = (s: string): string => `WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(cache_key text, task_name text, canonical_job_id uuid, artifact_map jsonb, artifact_sizes jsonb, producer jsonb)
), held AS MATERIALIZED (
  SELECT * FROM ${s}result_cache WHERE cache_key IN (SELECT cache_key FROM given) ORDER BY cache_key FOR NO KEY UPDATE
)
SELECT g.cache_key AS new_key, g.artifact_map::text AS new_artifact_map, g.artifact_sizes::text AS new_artifact_sizes, g.producer::text AS new_producer,
  CASE WHEN g.task_name = '*' THEN ${s}mad_job_digest(g.canonical_job_id) WHEN n.job_id IS NOT NULL THEN ${stepContentDigestSql('n')} END AS new_digest,
  octet_length(n.result_data::text) AS new_result_bytes,
  CASE WHEN n.result_data <> r.result_data THEN n.result_data::text END AS new_result,
  g.task_name = '*' AND ${s}mad_is_tainted(g.canonical_job_id) AS has_drifted,
  CASE WHEN e.cache_key IS NOT NULL THEN jsonb_build_object('created_at', e.created_at, 'hit_count', e.hit_count, 'compute_ms', e.compute_ms,
    'producer', e.producer, 'metrics', e.metrics_summary, 'task_name', e.task_name, 'pipeline_version', e.pipeline_version, 'determinism', e.determinism,
    'expires_at', e.expires_at, 'invalidated_at', e.invalidated_at, 'invalidated_reason', e.invalidated_reason) END AS metadata,
  ${LOOKED_UP(s)}
FROM given g
LEFT JOIN ${s}task_results n ON n.job_id = g.canonical_job_id AND n.task_name = g.task_name
LEFT JOIN held e ON e.cache_key = g.cache_key
LEFT JOIN ${s}task_results r ON r.job_id = e.canonical_job_id AND r.task_name = e.task_name`;

/** An entry with its seal. */
export interface EntryToWrite extends EntryToWeigh {
  readonly pipeline_version: string;
  readonly confidence_score: number | null;
  readonly determinism: string | null;
  readonly metrics_summary: JsonObject;
  readonly key_components: JsonObject;
  readonly input_signature: string;
  readonly compute_ms: number;
  readonly size_bytes: number;
  readonly content_digest: string;
  readonly seal: string;
  /** From now; null: it does not expire. */
  readonly expires_in_ms: number | null;
  readonly sliding_ms: number | null;
}

/** An entry that another result replaces. */
export interface ReplacedEntry {
  readonly cache_key: string;
  readonly event: 'RECORDED_BETTER' | 'RECORDED_ANEW';
  readonly reason: string | null;
  readonly canonical_job_id: string | null;
  readonly confidence_score: number | null;
  readonly metadata: JsonObject;
}

/** An entry whose result came out otherwise when it was computed again. */
export interface DriftedEntry {
  readonly cache_key: string;
  readonly canonical_job_id: string;
  /** The job that computed it again. */
  readonly job_id: string;
}

export interface WriteEntries {
  /** Of each key one at most. */
  readonly entries: readonly EntryToWrite[];
  readonly replaced: readonly ReplacedEntry[];
  readonly drifted: readonly DriftedEntry[];
  /** Keys whose entry gives way to any result. */
  readonly yielding: readonly string[];
}

/**
 * Writes entries where there are none, or in the place of one that is of lower confidence, invalidated, expired or named as yielding; a pin and the hits
 * stay. A result that is not scored never replaces a scored one that still holds. Drifted entries leave service, and so do those of whole jobs that
 * serve the same rows. What happened to entries is kept in `cache_events`. One statement.
 */
export async function writeEntries(
  tx: ResultsTransaction,
  { entries, replaced, drifted, yielding }: WriteEntries,
): Promise<void> {
  const text = prepared(writeText(schemaOf(tx)));
  const json = [entries, replaced, drifted].map((rows) => toCleanJsonText(rows as unknown as JsonObject[]));
  await tx.executeQuery(CompiledQuery.raw(text, [...json, [...yielding]]));
}

const COLUMNS = {
  cache_key: 'text',
  pipeline_version: 'text',
  task_name: 'text',
  canonical_job_id: 'uuid',
  confidence_score: 'float8',
  determinism: 'text',
  artifact_map: 'jsonb',
  artifact_sizes: 'jsonb',
  metrics_summary: 'jsonb',
  key_components: 'jsonb',
  producer: 'jsonb',
  input_signature: 'text',
  compute_ms: 'bigint',
  size_bytes: 'bigint',
  content_digest: 'text',
  seal: 'text',
  sliding_ms: 'bigint',
} as const;
const NAMES = Object.keys(COLUMNS);

const writeText = (s: string): string => `WITH drift AS (
  SELECT * FROM jsonb_to_recordset($3::jsonb) AS g(cache_key text, canonical_job_id uuid, job_id uuid)
), leaving AS (
  SELECT e.cache_key, e.canonical_job_id, e.confidence_score, d.job_id, d.cache_key AS step_key FROM drift d JOIN ${s}result_cache e USING (cache_key)
  UNION
  SELECT e.cache_key, e.canonical_job_id, e.confidence_score, d.job_id, d.cache_key FROM drift d
    JOIN ${s}result_cache e ON e.canonical_job_id = d.canonical_job_id AND e.task_name = '*' AND e.invalidated_at IS NULL
  UNION
  SELECT e.cache_key, e.canonical_job_id, e.confidence_score, d.job_id, d.cache_key FROM drift d
    JOIN ${s}job_events u ON u.event = 'TASK_CACHED' AND u.metadata->>'cache_key' = d.cache_key
    JOIN ${s}result_cache e ON e.canonical_job_id = u.job_id AND e.task_name = '*' AND e.invalidated_at IS NULL
), left_service AS (
  UPDATE ${s}result_cache e SET invalidated_at = now(), invalidated_reason = 'drifted', confidence_score = 0, seal = NULL, rerun_wanted_at = NULL
  FROM leaving WHERE e.cache_key = leaving.cache_key
), written AS (
  INSERT INTO ${s}result_cache AS e (${NAMES.join(', ')}, expires_at)
  SELECT ${NAMES.join(', ')}, now() + expires_in_ms * interval '1 ms'
  FROM jsonb_to_recordset($1::jsonb) AS g(${Object.entries(COLUMNS)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')}, expires_in_ms float8) ORDER BY cache_key
  ON CONFLICT (cache_key) DO UPDATE SET ${NAMES.map((name) => `${name} = excluded.${name}`).join(', ')}, expires_at = excluded.expires_at,
    created_at = now(), last_used_at = now(), invalidated_at = NULL, invalidated_reason = NULL, rerun_wanted_at = NULL
  WHERE e.invalidated_at IS NOT NULL OR (e.expires_at <= now() AND NOT e.pinned) OR e.cache_key = ANY ($4::text[])
    OR excluded.confidence_score > e.confidence_score OR (e.confidence_score IS NULL AND excluded.confidence_score IS NOT NULL)
)
INSERT INTO ${s}cache_events (cache_key, event, reason, canonical_job_id, confidence_score, metadata)
SELECT cache_key, event, reason, canonical_job_id, confidence_score, metadata FROM jsonb_to_recordset($2::jsonb)
  AS g(cache_key text, event text, reason text, canonical_job_id uuid, confidence_score float8, metadata jsonb)
UNION ALL
SELECT DISTINCT ON (cache_key) cache_key, 'DRIFTED', 'drifted', canonical_job_id, confidence_score,
  jsonb_build_object('job_id', job_id, 'step_key', step_key) FROM leaving`;
