import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** Which entries are meant: those that meet all that is given. An entry of a whole job meets a task if one of its steps is of it. */
export interface EntryCriteria {
  readonly cacheKey?: string | undefined;
  readonly taskKey?: string | undefined;
  /** Of the task. */
  readonly version?: string | undefined;
  /** Image digest or engine version of the task. */
  readonly producer?: string | undefined;
  /** Name of the service that answered; no whole job has one. */
  readonly service?: string | undefined;
  readonly from?: Date | undefined;
  /** Made before then. */
  readonly to?: Date | undefined;
}

export interface InvalidateEntries extends EntryCriteria {
  readonly reason: string;
  readonly actor: string | null;
  /** True: counts alone. @default false */
  readonly dryRun?: boolean | undefined;
}

/** Takes entries out of service, and returns how many were in it. They stay for the record; any new result takes the place of one. */
export async function invalidateEntryRows(db: ResultsDatabase, given: InvalidateEntries): Promise<number> {
  const s = schemaOf(db);
  const text = `WITH held AS (
  SELECT e.cache_key, e.canonical_job_id, e.confidence_score FROM ${s}result_cache e
  WHERE e.invalidated_at IS NULL AND ${meets('e')}${
    given.dryRun
      ? ')'
      : `
  ORDER BY e.cache_key FOR NO KEY UPDATE
), done AS (
  UPDATE ${s}result_cache e SET invalidated_at = now(), invalidated_reason = $6, seal = NULL, rerun_wanted_at = NULL
  FROM held WHERE e.cache_key = held.cache_key
), told AS (
  INSERT INTO ${s}cache_events (cache_key, event, reason, canonical_job_id, confidence_score, actor)
  SELECT cache_key, 'INVALIDATED', $6, canonical_job_id, confidence_score, $7::uuid FROM held
)`
  }
SELECT count(*)::int AS entries FROM held`;
  const { rows } = await db.executeQuery<{ entries: number }>(
    CompiledQuery.raw(text, [...criteriaOf(given), ...(given.dryRun ? [] : [given.reason, given.actor])]),
  );
  return rows[0]?.entries ?? 0;
}

/** A job that computed a result, was given it for one of its steps, or was given it as a whole. */
export interface AffectedJob {
  readonly job_id: string;
  readonly cache_key: string;
  readonly how: 'computed' | 'step' | 'job';
}

export interface DisownEntries extends EntryCriteria {
  /** Kept with the history of each entry. @default none */
  readonly reason?: string | undefined;
  readonly actor: string | null;
  /** True: counts alone. @default false */
  readonly dryRun?: boolean | undefined;
}

/** Takes entries out of service because of what computed them, and with them those of whole jobs that serve their rows; returns how many were in it. */
export async function disownEntryRows(
  db: ResultsDatabase,
  { actor, reason, dryRun, ...criteria }: DisownEntries,
): Promise<number> {
  const s = schemaOf(db);
  const text = `WITH RECURSIVE ${used(s)}, held AS (
  SELECT e.cache_key, e.canonical_job_id, e.confidence_score FROM ${s}result_cache e
  WHERE e.invalidated_at IS NULL AND (e.cache_key IN (SELECT m.cache_key FROM ${s}result_cache m WHERE ${meets('m')})
    OR (e.task_name = '*' AND e.canonical_job_id IN (SELECT job_id FROM used)))${
      dryRun
        ? ')'
        : `
  ORDER BY e.cache_key FOR NO KEY UPDATE
), done AS (
  UPDATE ${s}result_cache e SET invalidated_at = now(), invalidated_reason = 'disowned', seal = NULL, rerun_wanted_at = NULL
  FROM held WHERE e.cache_key = held.cache_key
), told AS (
  INSERT INTO ${s}cache_events (cache_key, event, reason, canonical_job_id, confidence_score, actor, metadata)
  SELECT cache_key, 'DISOWNED', 'disowned', canonical_job_id, confidence_score, $6::uuid, jsonb_strip_nulls(jsonb_build_object('reason', $7::text)) FROM held
)`
    }
SELECT count(*)::int AS entries FROM held`;
  const { rows } = await db.executeQuery<{ entries: number }>(
    CompiledQuery.raw(text, [...criteriaOf(criteria), ...(dryRun ? [] : [actor, reason ?? null])]),
  );
  return rows[0]?.entries ?? 0;
}

/**
 * The jobs with results that meet the criteria, whether or not their entries are still there: those that computed them, those that were given them by the
 * cache or took them over from another job, and those that were given such a job as a whole.
 */
export async function listAffectedJobs(db: ResultsDatabase, criteria: EntryCriteria): Promise<readonly AffectedJob[]> {
  const s = schemaOf(db);
  const text = `WITH RECURSIVE ${used(s)}
SELECT DISTINCT job_id, cache_key, how FROM (
  SELECT job_id, cache_key, how FROM used
  UNION ALL
  SELECT j.job_id, coalesce(j.cache->>'cache_key', used.cache_key), 'job' FROM used JOIN ${s}jobs j ON j.canonical_job_id = used.job_id
) affected ORDER BY job_id, cache_key, how`;
  const { rows } = await db.executeQuery<AffectedJob>(CompiledQuery.raw(text, [...criteriaOf(criteria)]));
  return rows;
}

/** Parameters 1 to 5. */
function criteriaOf({
  cacheKey,
  taskKey,
  version,
  producer,
  service,
  from,
  to,
}: EntryCriteria): readonly (string | null)[] {
  const task = { taskKey, version, producer };
  const isTask = Object.values(task).some((value) => value !== undefined);
  const times = [from, to].map((time) => time?.toISOString() ?? null);
  return [cacheKey ?? null, isTask ? JSON.stringify(task) : null, service ?? null, ...times];
}

const meets = (e: string): string => `($1::text IS NULL OR ${e}.cache_key = $1)
  AND ($2::jsonb IS NULL OR ${e}.key_components->'task' @> $2 OR ${e}.key_components->'tasks' @> jsonb_build_array($2))
  AND ($3::text IS NULL OR ${e}.producer->>'service_name' = $3)
  AND ($4::timestamptz IS NULL OR ${e}.created_at >= $4) AND ($5::timestamptz IS NULL OR ${e}.created_at < $5)`;

/**
 * `used`: which job has which result. First those that computed one that meets the criteria, by the entries that are there, those that were replaced or evicted, and, of a
 * service, by the results themselves; then, from one to the next, steps that were given one.
 */
const used = (s: string): string => `made AS (
  SELECT m.canonical_job_id AS job_id, m.task_name, m.cache_key FROM ${s}result_cache m WHERE ${meets('m')}
  UNION
  SELECT v.canonical_job_id, v.metadata->>'task_name', v.cache_key FROM ${s}cache_events v
  WHERE v.event IN ('RECORDED_BETTER', 'RECORDED_ANEW', 'EVICTED') AND v.canonical_job_id IS NOT NULL AND ($1::text IS NULL OR v.cache_key = $1)
    AND ($2::jsonb IS NULL OR EXISTS (SELECT FROM ${s}result_cache k WHERE k.cache_key = v.cache_key
        AND (k.key_components->'task' @> $2 OR k.key_components->'tasks' @> jsonb_build_array($2)))
      OR EXISTS (SELECT FROM ${s}cache_events k WHERE k.cache_key = v.cache_key AND k.event = 'EVICTED'
        AND (k.metadata->'task' @> $2 OR k.metadata->'tasks' @> jsonb_build_array($2))))
    AND ($3::text IS NULL OR v.metadata->'producer'->>'service_name' = $3)
    AND ($4::timestamptz IS NULL OR (v.metadata->>'created_at')::timestamptz >= $4)
    AND ($5::timestamptz IS NULL OR (v.metadata->>'created_at')::timestamptz < $5)
  UNION
  SELECT r.job_id, r.task_name, coalesce(x.cache_key, '') FROM ${s}task_results r
  JOIN ${s}task_executions x ON x.job_id = r.job_id AND x.task_name = r.task_name AND x.status = 'COMPLETED' AND x.cache_outcome IS DISTINCT FROM 'hit'
  WHERE $1::text IS NULL AND $2::jsonb IS NULL AND r.service_name = $3
    AND ($4::timestamptz IS NULL OR x.ended_at >= $4) AND ($5::timestamptz IS NULL OR x.ended_at < $5)
), used AS (
  SELECT job_id, task_name, cache_key, 'computed' AS how FROM made
  UNION
  SELECT given.job_id, given.task_name, used.cache_key, 'step' FROM used CROSS JOIN LATERAL (
    SELECT v.job_id, v.detail AS task_name FROM ${s}job_events v
    WHERE v.event = 'TASK_CACHED' AND v.metadata->>'cache_key' = used.cache_key AND v.metadata->>'canonical_job_id' = used.job_id::text
    UNION ALL
    SELECT v.job_id, v.detail FROM ${s}job_events v
    WHERE v.event = 'TASK_REUSED' AND v.metadata->>'source_job_id' = used.job_id::text AND v.detail = used.task_name
  ) given
)`;
