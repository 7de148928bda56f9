import type { Caller } from '../access/caller.ts';
import type { Platform } from '../platform.ts';
import { refuseUnknownKeys } from '../unknown-keys.ts';
import { type ForkJob, forkJob } from './fork-job.ts';
import type { SubmittedJob } from './submitted-job.ts';

/** Which job to run again, and how. */
export type RetryJob = Omit<ForkJob, 'inputs' | 'parameters' | 'version'>;

const KEYS = Object.keys({
  ...{ jobId: true, useCache: true, idempotencyKey: true, priority: true, deadline: true, runAfter: true },
} satisfies Record<keyof RetryJob, true>);

/**
 * Runs a job that is over again as it was, from the steps that have no result: `forkJob` without a difference. The job itself stays what it is.
 * @throws {PermissionDeniedError} without `job.create`, or `job.view` of the job
 * @throws {NotFoundError} when the job is not there, or its pipeline or version is not visible any more
 * @throws {ConflictError} when the idempotency key was used for another request
 * @throws {ValidationFailedError} for an option that there is none of, and when the job is not over
 */
export async function retryJob(platform: Platform, caller: Caller, retry: RetryJob): Promise<SubmittedJob> {
  refuseUnknownKeys('job', retry, KEYS);
  return forkJob(platform, caller, retry);
}
