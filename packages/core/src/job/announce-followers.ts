import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import type { MovedFollower } from '../results/followers.ts';
import { signalsOf } from '../signals/signals-of.ts';
import { nameJobs } from './name-jobs.ts';

/** Tells of jobs that waited for one that has ended, and queues those that are to be run. Never rejects: what cannot be queued recovery finds. */
export async function announceFollowers(
  platform: Platform,
  { orgId, followers }: { readonly orgId: OrgId; readonly followers: readonly MovedFollower[] },
): Promise<void> {
  if (followers.length === 0) return;
  const jobIds = followers.map(({ job_id }) => job_id);
  signalsOf(platform).publish(
    'job.changed',
    jobIds.map((jobId) => ({ orgId, jobId })),
  );
  const messages = followers
    .filter(({ closed }) => !closed)
    .map((job) => ({ orgId, jobId: job.job_id, priority: job.priority, resourceClass: job.resource_class }));
  if (messages.length === 0) return;
  const { queue, logger = silentLogger } = platform;
  await queue.enqueue(messages).catch((error: unknown) => {
    logger.warn({ err: error, ...nameJobs(orgId, jobIds) }, 'jobs could not be queued; recovery will find them');
  });
}
