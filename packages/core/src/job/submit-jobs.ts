import type { Caller } from '../access/caller.ts';
import { isMadError, type MadError, ValidationFailedError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { acceptJobs } from './accept-jobs.ts';
import type { SubmitJob } from './parse-submit-request.ts';
import type { SubmittedJob } from './submitted-job.ts';

/** What became of one of many requests: its job, or the error that `submitJob` would have thrown for it. */
export type SubmitOutcome =
  | { readonly index: number; readonly job: SubmittedJob; readonly error?: undefined }
  | { readonly index: number; readonly error: MadError; readonly job?: undefined };

const MAX_REQUESTS = 10_000;

/**
 * Accepts many jobs, 10,000 at most, in a handful of statements. One outcome a request, in their order: a request that cannot be accepted is
 * refused by itself, the others are accepted together in one transaction. When the call rejects, none was accepted, unless it was the
 * connection that broke at the end: submit again with the same idempotency keys.
 * @throws {PermissionDeniedError} without `job.create`
 * @throws {ValidationFailedError} for more than 10,000 requests
 */
export async function submitJobs(
  platform: Platform,
  caller: Caller,
  requests: readonly SubmitJob[],
): Promise<readonly SubmitOutcome[]> {
  if (!Array.isArray(requests) || requests.length > MAX_REQUESTS) {
    const issues = [{ pointer: '', message: `expected a list of ${MAX_REQUESTS} requests at most; submit in parts` }];
    throw new ValidationFailedError({ subject: 'jobs', issues });
  }
  const outcomes = await acceptJobs(platform, caller, { requests: listRequests(requests) });
  return outcomes.map((outcome, index) => (isMadError(outcome) ? { index, error: outcome } : { index, job: outcome }));
}

/** A list without holes: what is not there, or throws when it is read, is refused at its place like any other that is no request. */
function listRequests(requests: readonly SubmitJob[]): readonly SubmitJob[] {
  return Array.from({ length: requests.length }, (_, index) => {
    try {
      return requests[index] as SubmitJob;
    } catch {
      return undefined as unknown as SubmitJob;
    }
  });
}
