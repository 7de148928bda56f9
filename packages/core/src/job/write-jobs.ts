import type { Caller } from '../access/caller.ts';
import { formatArtifactUri } from '../artifacts/artifact-uri.ts';
import { QuotaExceededError, type QuotaName } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { JobQuotas } from '../ports/quotas.ts';
import { findSqlState, SQLSTATE } from '../postgres/sqlstate.ts';
import { followLeaders } from '../results/followers.ts';
import { type AcceptedJob, insertJobs } from '../results/insert-jobs.ts';
import type { NewJobEvent } from '../results/job-event.repository.ts';
import { addNewJobs, countNewJobs } from '../results/job-usage.repository.ts';
import type { MirroredJob } from '../results/mirrored-job.repository.ts';
import { keepNewJob } from '../results/new-jobs.ts';
import { insertPipelineSpec } from '../results/pipeline-spec.repository.ts';
import type { ResultsDatabase, ResultsTransaction } from '../results/results-database.ts';
import { copyTaskResults } from '../results/task-result.repository.ts';
import type { JobCache } from './job-cache.ts';
import type { DecidedJob } from './look-up-jobs.ts';
import { isAwaited } from './may-share.ts';
import type { PreparedJob } from './prepare-jobs.ts';

/** What a new job takes over from an earlier one. */
export interface Reuse {
  /** The job that was asked to be run again. */
  readonly forkedFrom: string;
  /** The job whose results are taken: that one, or the one that really ran for it. */
  readonly sourceJobId: string;
  /** Step instances whose committed results are copied. */
  readonly taskNames: readonly string[];
}

/** What a job takes over; asked only where the cache does not answer the whole job. */
export type FindReuse = (job: PreparedJob) => Promise<Reuse>;

export interface WriteJobs {
  readonly caller: Caller;
  readonly jobs: readonly DecidedJob[];
  readonly findReuse: FindReuse | undefined;
  /** Undefined: nothing limits; jobs are counted where a limit stood in this month. */
  readonly quotas: JobQuotas | undefined;
  readonly logger: Logger;
}

/** A job that was written, as its row is. */
export interface WrittenJob extends MirroredJob {
  readonly resource_class: string;
  readonly run_after: Date | null;
  /** The job it waits for. */
  readonly leader_job_id: string | null;
}

/** Writes all jobs in one transaction but those whose idempotency key is taken, and returns the written ones by the places of their requests. */
export async function writeJobs(results: ResultsDatabase, write: WriteJobs): Promise<ReadonlyMap<number, WrittenJob>> {
  if (write.jobs.length === 0) return new Map();
  try {
    return await writeOnce(results, write);
  } catch (error) {
    const state = findSqlState(error);
    const isHit = ({ decision }: DecidedJob) => decision.outcome === 'hit';
    const refused = state === SQLSTATE.foreignKeyViolation || state === SQLSTATE.checkViolation;
    if (!refused || !write.jobs.some(isHit)) throw error;
    // A job that a hit refers to was deleted since the look-up, and its entry with it: compute.
    const jobs = write.jobs.map((job) => (isHit(job) ? { ...job, decision: GONE } : job));
    return writeOnce(results, { ...write, jobs });
  }
}

const GONE = { outcome: 'miss', reason: 'no_entry' } as const;

async function writeOnce(
  results: ResultsDatabase,
  { caller, jobs, findReuse, quotas, logger }: WriteJobs,
): Promise<ReadonlyMap<number, WrittenJob>> {
  for (const { specDigest, storedSpec } of new Set(jobs.map(({ pipeline }) => pipeline)))
    await insertPipelineSpec(results, { spec: storedSpec, digest: specDigest });
  const rows = await Promise.all(
    jobs.map(async (job) => {
      const reuse = job.decision.outcome === 'miss' ? await findReuse?.(job) : undefined;
      return { index: job.index, reuse, ...toAccepted(job, { caller, reuse }) };
    }),
  );
  const insert = async (db: ResultsDatabase, isCounted = false) => {
    const inserted = new Map((await insertJobs(db, { jobs: rows, isCounted })).map((row) => [row.job_id, row]));
    for (const { job, reuse } of rows)
      if (reuse && inserted.has(job.job_id))
        await copyTaskResults(db, { fromJobId: reuse.sourceJobId, toJobId: job.job_id, taskNames: reuse.taskNames });
    return inserted;
  };
  const inLimits = async (tx: ResultsTransaction) => {
    const inserted = await insert(tx);
    const asked = rows.filter(({ job }) => inserted.has(job.job_id) && job.status === 'PENDING').length;
    if (asked > 0) await requireQuotas(tx, { quotas, asked });
    return inserted;
  };
  // One job that takes nothing over is one statement, which needs no transaction around it.
  const isOne = rows.length === 1 && rows[0]?.reuse === undefined;
  const inserted =
    isOne && quotas === undefined ? await insert(results, true) : await results.transaction().execute(inLimits);
  const leaders = await findLeaders(results, {
    caller,
    jobs: rows.filter(({ job }) => inserted.has(job.job_id)),
  }).catch((err: unknown) => {
    // They are accepted: each is run, and meets its equals at its steps.
    logger.warn({ err, org_id: caller.orgId }, 'equal jobs were not looked for');
    return new Map<string, string>();
  });
  return new Map(
    rows.flatMap(({ index, isAwaited: _, ...row }) => {
      const found = inserted.get(row.job.job_id);
      if (!found) return [];
      const { created_at } = found;
      const leader_job_id = leaders.get(row.job.job_id) ?? null;
      if (isOne && leader_job_id === null) keepNewJob(results, row, found);
      const last_event_seq = row.events.length + (leader_job_id === null ? 0 : 1);
      return [[index, { ...row.job, created_at, fence: 0, last_event_seq, error: null, leader_job_id }] as const];
    }),
  );
}

async function requireQuotas(
  tx: ResultsTransaction,
  { quotas, asked }: { readonly quotas: JobQuotas | undefined; readonly asked: number },
): Promise<void> {
  if (quotas === undefined) return void (await addNewJobs(tx, { jobs: asked }));
  const { jobsThisMonth, openJobs } = await countNewJobs(tx, { jobs: asked });
  const limits: readonly (readonly [QuotaName, number | undefined, number])[] = [
    ['max_jobs_per_month', quotas.maxJobsPerMonth, jobsThisMonth],
    ['max_concurrent_jobs', quotas.maxConcurrentJobs, openJobs],
  ];
  for (const [quota, limit, taken] of limits)
    if (limit !== undefined && taken > limit)
      throw new QuotaExceededError({ quota, limit, used: taken - asked, asked });
}

/** Job → the one that was asked the same before and is open. */
async function findLeaders(
  results: ResultsDatabase,
  { caller, jobs }: { readonly caller: Caller; readonly jobs: readonly ReturnType<typeof toAccepted>[] },
): Promise<ReadonlyMap<string, string>> {
  const searches = jobs.flatMap(({ job, isAwaited }) =>
    isAwaited ? [{ jobId: job.job_id, cacheKey: job.cache.cache_key ?? '', priority: job.priority }] : [],
  );
  const found = await followLeaders(results, { owner: caller.userId ?? caller.orgId, jobs: searches });
  return new Map(found.map(({ jobId, leaderJobId }) => [jobId, leaderJobId]));
}

function toAccepted(job: DecidedJob, { caller, reuse }: { caller: Caller; reuse: Reuse | undefined }) {
  const { request, pipeline, files, parameters, identity, decision, demands } = job;
  const hit = decision.outcome === 'hit' ? decision : undefined;
  const cache: JobCache = {
    use: request.useCache ?? true,
    min_confidence: demands.minConfidence ?? null,
    accept_stochastic: demands.acceptStochastic ?? false,
    outcome: decision.outcome,
    reason: decision.outcome === 'miss' ? decision.reason : null,
    cache_key: identity?.cacheKey ?? null,
  };
  return {
    /** Equal jobs wait for each other, where one may have the other's result. */
    isAwaited: reuse === undefined && isAwaited(job),
    job: {
      job_id: newId(),
      status: hit ? ('COMPLETED' as const) : ('PENDING' as const),
      pipeline_version: `${pipeline.name}@${pipeline.version}`,
      pipeline_id: pipeline.pipelineId,
      pipeline_version_id: pipeline.pipelineVersionId,
      spec_digest: pipeline.specDigest,
      forked_from: reuse?.forkedFrom ?? null,
      resource_class: pipeline.spec.resourceClass,
      params: parameters,
      input_signature: identity?.inputSignature ?? null,
      submitted_by: caller.userId,
      idempotency_key: request.idempotencyKey ?? null,
      priority: request.priority ?? 0,
      deadline: request.deadline ?? null,
      run_after: request.runAfter ?? null,
      screening_id: request.screeningId ?? null,
      item_key: request.itemKey ?? null,
      canonical_job_id: hit?.canonicalJobId ?? null,
      cache: { ...cache },
    },
    inputs: Object.entries(files).map(([key, file]) => ({
      key,
      uri: formatArtifactUri({ orgId: caller.orgId, digest: file.$artifact }),
      content_type: file.contentType,
      size_bytes: file.sizeBytes,
      checksum: file.$artifact,
    })),
    events: [{ event: 'QUEUED' }, ...firstEvents(hit?.canonicalJobId, reuse)],
  } satisfies AcceptedJob & { isAwaited: boolean };
}

function firstEvents(canonicalJobId: string | undefined, reuse: Reuse | undefined): NewJobEvent[] {
  if (canonicalJobId !== undefined)
    return [{ event: 'CACHE_HIT', metadata: { canonical_job_id: canonicalJobId } }, { event: 'COMPLETED' }];
  if (!reuse) return [];
  return reuse.taskNames.map((name) => ({
    event: 'TASK_REUSED',
    detail: name,
    metadata: { task_name: name, source_job_id: reuse.sourceJobId },
  }));
}
