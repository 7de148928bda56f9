import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import { insertJobsMeta } from '../metadata/job-meta.repository.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import type { Platform } from '../platform.ts';
import type { EnqueueOptions, JobMessage } from '../ports/job-queue.ts';
import { mirrorJobs } from './mirror-job.ts';
import { nameJobs } from './name-jobs.ts';
import { toMirrors } from './to-mirrors.ts';
import type { WrittenJob } from './write-jobs.ts';

/**
 * Mirrors accepted jobs and queues those that wait, in one transaction of the Metadata DB. Never rejects: the jobs are accepted already, and what a
 * failure or a crash leaves undone here recovery does.
 */
export async function announceJobs(
  platform: Platform,
  { orgId, jobs }: { readonly orgId: OrgId; readonly jobs: readonly WrittenJob[] },
): Promise<void> {
  if (jobs.length === 0) return;
  const { metadata, queue, logger = silentLogger } = platform;
  const messages = jobs.flatMap((job) =>
    job.status === 'PENDING' && job.leader_job_id === null ? [toMessage(orgId, job)] : [],
  );
  const enqueue = async (options?: EnqueueOptions) => {
    if (messages.length > 0) await queue.enqueue(messages, options);
  };
  try {
    // First where it needs no transaction: the job runs while its mirror is being written.
    if (!queue.joinsTransactions) await enqueue();
    await inOrganization(metadata, orgId, async (tx) => {
      if (queue.joinsTransactions) await enqueue({ tx });
      await insertJobsMeta(tx, toMirrors(jobs));
    });
  } catch (error) {
    const named = nameJobs(
      orgId,
      jobs.map((job) => job.job_id),
    );
    logger.warn({ err: error, ...named }, 'new jobs could not be mirrored and queued together');
    // One row that the Metadata DB refuses must not keep the others waiting for recovery.
    await mirrorJobs(platform, { orgId, jobIds: jobs.map((job) => job.job_id) });
    await enqueue().catch((cause: unknown) => {
      logger.warn({ err: cause, ...named }, 'new jobs could not be queued; recovery will find them');
    });
  }
}

const toMessage = (orgId: OrgId, job: WrittenJob): JobMessage => ({
  orgId,
  jobId: job.job_id,
  priority: job.priority,
  resourceClass: job.resource_class,
  runAfter: job.run_after ?? undefined,
});
