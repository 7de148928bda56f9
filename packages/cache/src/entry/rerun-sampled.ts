import {
  authorize,
  type Caller,
  checkRequest,
  clearSampled,
  findJob,
  isMadError,
  type JobRow,
  listJobInputs,
  listSampledJobs,
  type Platform,
  type ResultsDatabase,
  type SubmitJob,
  submitJobs,
} from '@mad/core';
import { z } from 'zod';
import { auditEntries } from './audit-entries.ts';
import { atMost } from './request-forms.ts';

export interface RerunSampled {
  /** Jobs at most, 1 to 10,000. @default 100 */
  readonly limit?: number | undefined;
}

const form = z.strictObject({ limit: atMost(10_000).optional() });

export interface RerunJobs {
  /** `canonicalJobId`: whose results are compared. */
  readonly submitted: readonly {
    readonly jobId: string;
    readonly canonicalJobId: string;
    readonly cacheKeys: readonly string[];
  }[];
  /** Jobs that cannot be submitted again, because their pipeline is gone, say; their marks are taken off. */
  readonly refused: readonly { readonly canonicalJobId: string; readonly code: string; readonly message: string }[];
}

const LOWEST_PRIORITY = -2_147_483_648;

/**
 * Submits the jobs again of which hits were sampled (`verifyRate`): the same version, inputs and parameters, nothing from the cache, at the lowest priority. Where what
 * they compute differs, the entries leave service as `drifted`. Call it now and then, from any process: each mark is answered by one job.
 * @throws {PermissionDeniedError} without `cache.manage` and `job.create`
 * @throws {ValidationFailedError} for another limit
 */
export async function rerunSampled(platform: Platform, caller: Caller, request: RerunSampled = {}): Promise<RerunJobs> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'rerun', value: request });
  const { limit = 100 } = request;
  const results = await platform.results.get(caller.orgId);
  const sampled = await listSampledJobs(results, { limit });
  const jobs = await Promise.all(
    sampled.map(async (one) => ({
      ...one,
      request: await toRequest(results, { jobId: one.job_id, markedAt: one.marked_at }),
    })),
  );
  const repeatable = jobs.flatMap(({ request, ...one }) => (request ? [{ ...one, request }] : []));
  const outcomes =
    repeatable.length === 0
      ? []
      : await submitJobs(
          platform,
          caller,
          repeatable.map(({ request }) => request),
        );
  const submitted: RerunJobs['submitted'][number][] = [];
  const refused: RerunJobs['refused'][number][] = jobs
    .filter(({ request }) => request === undefined)
    .map(({ job_id }) => ({
      canonicalJobId: job_id,
      code: 'MAD_CORE_NOT_FOUND',
      message: 'the job was not submitted for a published pipeline',
    }));
  const answered = jobs.flatMap(({ request, cache_keys }) => (request ? [] : cache_keys));
  for (const { index, job, error } of outcomes) {
    const one = repeatable[index];
    if (!one || (isMadError(error) && error.retryable)) continue;
    answered.push(...one.cache_keys);
    if (job) submitted.push({ jobId: job.jobId, canonicalJobId: one.job_id, cacheKeys: one.cache_keys });
    else if (error) refused.push({ canonicalJobId: one.job_id, code: error.code, message: error.message });
  }
  if (answered.length > 0) {
    await clearSampled(results, { cacheKeys: answered });
    const metadata = { submitted: submitted.length, refused: refused.length };
    await auditEntries(platform, caller, { action: 'cache.rerun', metadata });
  }
  return { submitted, refused };
}

async function toRequest(
  results: ResultsDatabase,
  { jobId, markedAt }: { readonly jobId: string; readonly markedAt: string },
): Promise<SubmitJob | undefined> {
  const job: JobRow | undefined = await findJob(results, { jobId });
  if (!job?.pipeline_id) return undefined;
  const inputs = await listJobInputs(results, { jobId });
  return {
    pipeline: job.pipeline_id,
    version: job.pipeline_version.slice(job.pipeline_version.lastIndexOf('@') + 1),
    inputs: Object.fromEntries(inputs.map(({ key, uri }) => [key, uri])),
    parameters: job.params,
    useCache: false,
    priority: LOWEST_PRIORITY,
    idempotencyKey: `verify/${jobId}/${markedAt}`,
  };
}
