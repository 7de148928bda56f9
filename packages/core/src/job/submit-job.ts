import type { Caller } from '../access/caller.ts';
import { isMadError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { acceptJobs } from './accept-jobs.ts';
import type { SubmitJob } from './parse-submit-request.ts';
import type { SubmittedJob } from './submitted-job.ts';

/**
 * Accepts a job: from then on it reaches exactly one terminal state. A result that is already known answers at once, as a COMPLETED job of its
 * own. What cannot be accepted throws and leaves nothing behind.
 * @throws {PermissionDeniedError} without `job.create`
 * @throws {NotFoundError} when the pipeline or its version is not there
 * @throws {ConflictError} when the idempotency key was used for another request
 * @throws {ValidationFailedError} when the request is malformed, or inputs or parameters break the version's schemas
 */
export async function submitJob(platform: Platform, caller: Caller, request: SubmitJob): Promise<SubmittedJob> {
  const [outcome] = await acceptJobs(platform, caller, { requests: [request] });
  if (outcome === undefined || isMadError(outcome)) throw outcome;
  return outcome;
}
