import type { Platform } from '../platform.ts';
import type { Caller } from './caller.ts';
import { type ForkJob, forkJob } from './fork-job.ts';
import type { SubmittedJob } from './submitted-job.ts';

/** Which job to run again, and how. */
export type RetryJob = Omit<ForkJob, 'inputs' | 'parameters' | 'version'>;

/**
 * Runs a job that is over again as it was, from the steps that have no result: `forkJob` without a difference. The job itself stays what it is.
 * @throws {PermissionDeniedError} without `job.create`, or `job.view` of the job
 * @throws {NotFoundError} when the job is not there, or its pipeline or version is not visible any more
 * @throws {ConflictError} when the idempotency key was used for another request
 * @throws {ValidationFailedError} when the job is not over
 */
export function retryJob(
  platform: Platform,
  caller: Caller,
  { jobId, useCache, idempotencyKey, priority, deadline, runAfter }: RetryJob,
): Promise<SubmittedJob> {
  return forkJob(platform, caller, { jobId, useCache, idempotencyKey, priority, deadline, runAfter });
}
