import { CompiledQuery } from 'kysely';
import type { JsonObject } from '../json.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** An event that tells what the cache did for a job or for a step of it. */
export interface CacheDecisionEvent {
  readonly event: string;
  /** Step instance; null: of the whole job. */
  readonly task_name: string | null;
  readonly ts: Date;
  readonly metadata: JsonObject;
}

/** What a job's timeline tells of results that it did not compute itself, in its order. */
export async function listCacheDecisions(
  db: ResultsDatabase,
  { jobId }: { readonly jobId: string },
): Promise<readonly CacheDecisionEvent[]> {
  const text = prepared(`SELECT event, metadata->>'task_name' AS task_name, ts, metadata FROM ${schemaOf(db)}job_events
WHERE job_id = $1 AND event IN ('CACHE_HIT', 'JOB_JOINED', 'TASK_CACHED', 'TASK_JOINED', 'TASK_REUSED', 'TASK_SKIPPED') ORDER BY seq_no`);
  const { rows } = await db.executeQuery<CacheDecisionEvent>(CompiledQuery.raw(text, [jobId]));
  return rows;
}

/** An entry that another question may be compared with. */
export interface CacheCandidate {
  readonly cache_key: string;
  readonly pipeline_version: string;
  /** Step instance; `*` for a whole job. */
  readonly task_name: string;
  readonly canonical_job_id: string;
  readonly confidence_score: number | null;
  readonly created_at: Date;
  readonly key_components: JsonObject;
}

export interface ListCacheCandidates {
  /** Null: entries of whole jobs. */
  readonly taskKey: string | null;
  readonly inputSignatures: readonly string[];
  /** Only entries made earlier. @default all */
  readonly before?: Date | undefined;
  /** Its own entries are left out. */
  readonly exceptJobId?: string | undefined;
}

/** Entries that are read to find the nearest one, and what their components may take together as they are stored. */
const MAX_CANDIDATES = 300;
const MAX_BYTES = 16 * 1024 * 1024;
const CANDIDATE =
  'cache_key, pipeline_version, task_name, canonical_job_id, confidence_score, created_at, key_components';
const TASK_KEY = `(key_components #>> '{task,taskKey}')`;

/** Entries that a question is compared with: those of the same content first, then the newest of the same task, a few hundred together. */
export async function listCacheCandidates(
  db: ResultsDatabase,
  { taskKey, inputSignatures, before, exceptJobId }: ListCacheCandidates,
): Promise<readonly CacheCandidate[]> {
  const table = `${schemaOf(db)}result_cache`;
  const isOther = `($2::timestamptz IS NULL OR created_at < $2) AND canonical_job_id IS DISTINCT FROM $3::uuid AND (task_name = '*') = ($4::text IS NULL)`;
  // Ordered as the index over the task's key is, where null is a key like another.
  const ofTask = taskKey === null ? `${TASK_KEY} IS NULL AND $4::text IS NULL` : `${TASK_KEY} = $4`;
  const text = prepared(`SELECT ${CANDIDATE} FROM (
  SELECT c.*, sum(pg_column_size(key_components)) OVER (ORDER BY first, created_at DESC, cache_key) AS bytes FROM (
    (SELECT ${CANDIDATE}, 0 AS first FROM ${table} WHERE input_signature = ANY($1::text[]) AND ${isOther}
      ORDER BY created_at DESC LIMIT ${MAX_CANDIDATES})
    UNION ALL
    (SELECT ${CANDIDATE}, 1 AS first FROM ${table} WHERE ${ofTask} AND ${isOther}
      ORDER BY ${TASK_KEY}, created_at DESC LIMIT ${MAX_CANDIDATES})) c) d
WHERE bytes <= ${MAX_BYTES} ORDER BY first, created_at DESC`);
  const parameters = [[...inputSignatures], before ?? null, exceptJobId ?? null, taskKey];
  const { rows } = await db.executeQuery<CacheCandidate>(CompiledQuery.raw(text, parameters));
  return [...new Map(rows.map((row) => [row.cache_key, row])).values()];
}

/** How long a task took once, and for what. */
export interface ComputeTime {
  readonly compute_ms: number;
  /** Bytes of the files that its request named; null where that was not noted. */
  readonly input_bytes: number | null;
  /** Its request as it was signed; null where no entry told it. */
  readonly parameters: JsonObject | null;
}

export interface ListComputeTimes {
  readonly taskKey: string;
  /** Of these the newest jobs are looked through as well, for what no entry tells any more. @default none */
  readonly taskDefinitionIds?: readonly string[] | undefined;
}

const MAX_TIMES = 500;
const MAX_JOBS = 200;
/** Of the components of one entry, so that those of all samples are no more than `MAX_BYTES`. */
const MAX_ENTRY_BYTES = MAX_BYTES / MAX_TIMES;

/** What a task took: the newest entries of it, newest first, then what the newest jobs that computed took for it and no entry of theirs tells: it was evicted or replaced, or there was none. */
export async function listComputeTimes(
  db: ResultsDatabase,
  { taskKey, taskDefinitionIds = [] }: ListComputeTimes,
): Promise<readonly ComputeTime[]> {
  const s = schemaOf(db);
  const text = prepared(`SELECT compute_ms, input_bytes, parameters FROM (
  SELECT compute_ms, (metrics_summary->>'input_bytes')::float8 AS input_bytes, key_components->'parameters' AS parameters,
    sum(pg_column_size(key_components)) OVER (ORDER BY created_at DESC, cache_key) AS bytes
  FROM (SELECT * FROM ${s}result_cache WHERE ${TASK_KEY} = $1 AND compute_ms IS NOT NULL
    ORDER BY ${TASK_KEY}, created_at DESC LIMIT ${MAX_TIMES}) c) d
WHERE bytes <= ${MAX_BYTES}`);
  const jobs =
    prepared(`SELECT c.ms AS compute_ms, coalesce(e.metrics_summary->>'input_bytes', g.metadata->>'input_bytes')::float8 AS input_bytes,
  coalesce(CASE WHEN pg_column_size(e.key_components) <= ${MAX_ENTRY_BYTES} THEN e.key_components->'parameters' END, g.metadata->'parameters') AS parameters
FROM (SELECT job_id, created_at FROM ${s}jobs WHERE canonical_job_id IS NULL ORDER BY created_at DESC LIMIT ${MAX_JOBS}) j
CROSS JOIN LATERAL (
  SELECT x.cache_key, (v.metadata->>'compute_ms')::float8 AS ms FROM ${s}job_events v
  JOIN ${s}task_executions x ON x.job_id = v.job_id AND x.task_name = v.detail AND x.status = 'COMPLETED' AND x.task_definition_id = ANY($1::uuid[])
  WHERE v.job_id = j.job_id AND v.event = 'TASK_COMPLETED' LIMIT ${MAX_TIMES}) c
LEFT JOIN ${s}result_cache e ON e.cache_key = c.cache_key
LEFT JOIN LATERAL (SELECT metadata FROM ${s}cache_events WHERE cache_key = c.cache_key AND event = 'EVICTED' ORDER BY event_id DESC LIMIT 1) g ON e.cache_key IS NULL
WHERE c.ms IS NOT NULL AND e.canonical_job_id IS DISTINCT FROM j.job_id ORDER BY j.created_at DESC LIMIT ${MAX_TIMES}`);
  const { rows } = await db.executeQuery<ComputeTime>(CompiledQuery.raw(text, [taskKey]));
  const others =
    taskDefinitionIds.length > 0
      ? (await db.executeQuery<ComputeTime>(CompiledQuery.raw(jobs, [[...taskDefinitionIds]]))).rows
      : [];
  return [...rows, ...others].map((row) => ({ ...row, compute_ms: Number(row.compute_ms) }));
}
