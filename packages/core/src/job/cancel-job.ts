import type { Caller } from '../access/caller.ts';
import type { Platform } from '../platform.ts';
import { closeFollowers } from '../results/followers.ts';
import { getJob, requestJobCancel } from '../results/job.repository.ts';
import { appendJobEvents } from '../results/job-event.repository.ts';
import { cancelPendingJob } from '../results/job-lease.repository.ts';
import type { JobStatus } from '../results/tables/job-status.ts';
import { finishOpenTaskExecutions } from '../results/task-execution.repository.ts';
import { signalsOf } from '../signals/signals-of.ts';
import { announceFollowers } from './announce-followers.ts';
import { getPermittedJob } from './get-permitted-job.ts';
import { mirrorJob } from './mirror-job.ts';

/**
 * Ends a job that is not over: a waiting one at once, a running one as soon as a signal reaches its executor, or with the next renewal of its
 * lease, its calls canceled at the services. Returns the status after the call: RUNNING until the executor has let go, and a terminal job stays
 * what it is.
 * @throws {PermissionDeniedError} without `job.cancel`, or `job.cancel:own` for a job of the caller's own
 * @throws {NotFoundError}
 */
export async function cancelJob(
  platform: Platform,
  caller: Caller,
  { jobId }: { readonly jobId: string },
): Promise<JobStatus> {
  const { orgId } = caller;
  const results = await platform.results.get(orgId);
  const { job_id } = await getPermittedJob(results, caller, { jobId, permission: 'job.cancel' });
  const signals = signalsOf(platform);
  const found = await requestJobCancel(results, { jobId });
  if (found === 'RUNNING') signals.publish('job.cancel', [{ orgId, jobId: job_id }]);
  if (found !== 'PENDING') return found;
  const canceled = await results.transaction().execute(async (tx) => {
    const job = await cancelPendingJob(tx, { jobId });
    if (!job) return undefined;
    // An executor that gave the job back may have left attempts open.
    await finishOpenTaskExecutions(tx, { jobId, status: 'CANCELED' });
    await appendJobEvents(tx, { jobId, events: [{ event: 'CANCELED' }] });
    return closeFollowers(tx, { led: [{ jobId: job_id, isShared: false, confidence: null }] });
  });
  if (!canceled) {
    // Not PENDING any more: an executor was faster, or it is over meanwhile.
    signals.publish('job.cancel', [{ orgId, jobId: job_id }]);
    return (await getJob(results, { jobId })).status;
  }
  signals.publish('job.changed', [{ orgId, jobId: job_id }]);
  await announceFollowers(platform, { orgId, followers: canceled });
  await mirrorJob(platform, { orgId, jobId });
  return 'CANCELED';
}
