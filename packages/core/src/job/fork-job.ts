import { authorize } from '../access/authorize.ts';
import type { Caller } from '../access/caller.ts';
import { isMadError, ValidationFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { getJob, listJobInputs } from '../results/job.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import { listTaskResults } from '../results/task-result.repository.ts';
import { refuseUnknownKeys } from '../unknown-keys.ts';
import { acceptJobs } from './accept-jobs.ts';
import { getPermittedJob } from './get-permitted-job.ts';
import { parseJobCache } from './job-cache.ts';
import { type EndedPipeline, listReusable } from './list-reusable.ts';
import type { SubmitJob } from './parse-submit-request.ts';
import { isTerminal } from './states.ts';
import type { SubmittedJob } from './submitted-job.ts';
import { traceJob } from './trace-job.ts';
import type { FindReuse } from './write-jobs.ts';

/** What is to be different from a job that is over. */
export interface ForkJob extends Pick<SubmitJob, 'idempotencyKey' | 'priority' | 'deadline' | 'runAfter'> {
  readonly jobId: string;
  /** Laid over the job's inputs, key by key. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
  /** Laid over the job's parameters, property by property; a property's value is replaced as a whole. */
  readonly parameters?: JsonObject | undefined;
  /** Another version of the same pipeline. @default the job's own */
  readonly version?: string | undefined;
  /** False: nothing is served from the cache; results of the job itself are taken over all the same. @default as for the job */
  readonly useCache?: boolean | undefined;
}

const KEYS = Object.keys({
  ...{ jobId: true, inputs: true, parameters: true, version: true, useCache: true },
  ...{ idempotencyKey: true, priority: true, deadline: true, runAfter: true },
} satisfies Record<keyof ForkJob, true>);

/**
 * Runs a job that is over again, as a new job with `forked_from`, with what is to be different. Steps that the difference does not reach keep their
 * committed results: they are copied in the transaction that accepts the new job, one `TASK_REUSED` event each, and are not run again. Failed steps
 * and what depends on them run; of a fan-out only the items without a result.
 * @throws {PermissionDeniedError} without `job.create`, or `job.view` of the job
 * @throws {NotFoundError} when the job is not there, or its pipeline or version is not visible any more
 * @throws {ConflictError} when the idempotency key was used for another request
 * @throws {ValidationFailedError} for an option that there is none of, when the job is not over, or the inputs and parameters do not fit the version
 */
export async function forkJob(platform: Platform, caller: Caller, fork: ForkJob): Promise<SubmittedJob> {
  authorize(caller, 'job.create');
  refuseUnknownKeys('job', fork, KEYS);
  const results = await platform.results.get(caller.orgId);
  const original = await getPermittedJob(results, caller, { jobId: fork.jobId, permission: 'job.view' });
  const request = await toRequest(results, { original, fork });
  const findReuse: FindReuse = async ({ pipeline: { spec }, files, parameters }) => {
    // A cache hit has no results of its own: the job that really ran for it has.
    const sourceJobId = original.canonical_job_id ?? original.job_id;
    const ended = await findEnded(results, { orgId: caller.orgId, jobId: sourceJobId });
    const taskNames = ended ? listReusable(ended, { spec, inputs: { ...files }, parameters }) : [];
    return { forkedFrom: original.job_id, sourceJobId, taskNames };
  };
  const [outcome] = await acceptJobs(platform, caller, { requests: [request], findReuse });
  if (outcome === undefined || isMadError(outcome)) throw outcome;
  return outcome;
}

async function toRequest(
  results: ResultsDatabase,
  { original, fork }: { original: JobRow; fork: ForkJob },
): Promise<SubmitJob> {
  const { jobId, inputs = {}, parameters = {}, version, ...run } = fork;
  if (!isTerminal(original.status)) refuse(`expected a job that is over; it is ${original.status}: cancel it or wait`);
  if (original.pipeline_id === null)
    refuse('expected a job of a published pipeline; this one was written by other means');
  const given = await listJobInputs(results, { jobId });
  const { use, min_confidence, accept_stochastic } = parseJobCache(original.cache);
  return {
    ...run,
    priority: run.priority ?? original.priority,
    pipeline: original.pipeline_id ?? '',
    version: version ?? original.pipeline_version.slice(original.pipeline_version.lastIndexOf('@') + 1),
    // What is no object goes on as it is, and is refused with its place.
    inputs: isJsonObject(inputs)
      ? { ...Object.fromEntries(given.map(({ key, uri }) => [key, uri])), ...inputs }
      : inputs,
    parameters: isJsonObject(parameters) ? { ...original.params, ...parameters } : parameters,
    useCache: run.useCache ?? use,
    minConfidence: min_confidence ?? undefined,
    acceptStochastic: accept_stochastic,
    screeningId: original.screening_id ?? undefined,
    itemKey: original.item_key ?? undefined,
  };
}

async function findEnded(
  results: ResultsDatabase,
  { orgId, jobId }: { readonly orgId: OrgId; readonly jobId: string },
): Promise<EndedPipeline | undefined> {
  const traced = await traceJob(results, { orgId, job: await getJob(results, { jobId }) });
  if (!traced) return undefined;
  const rows = await listTaskResults(results, { jobId });
  return { ...traced, outputs: new Map(rows.map((row) => [row.task_name, row.result_data])) };
}

function refuse(message: string): never {
  throw new ValidationFailedError({ subject: 'job', issues: [{ pointer: '/jobId', message }] });
}
