import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import { type JobMetaMirror, mirrorJobsMeta } from '../metadata/job-meta.repository.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import type { Platform } from '../platform.ts';
import type { EnqueueOptions, JobMessage } from '../ports/job-queue.ts';
import { mirrorJobs } from './mirror-job.ts';
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
  const messages = jobs.flatMap((job) => (job.status === 'PENDING' ? [toMessage(orgId, job)] : []));
  const enqueue = async (options?: EnqueueOptions) => {
    if (messages.length > 0) await queue.enqueue(messages, options);
  };
  try {
    await inOrganization(metadata, orgId, async (tx) => {
      await mirrorJobsMeta(tx, jobs.map(toMirror));
      await enqueue({ tx });
    });
  } catch (error) {
    logger.warn({ err: error, org_id: orgId, jobs: jobs.length }, 'new jobs could not be mirrored and queued together');
    // One row that the Metadata DB refuses must not keep the others waiting for recovery.
    await mirrorJobs(platform, { orgId, jobIds: jobs.map((job) => job.job_id) });
    await enqueue().catch((cause: unknown) => {
      logger.warn({ err: cause, org_id: orgId }, 'new jobs could not be queued; recovery will find them');
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

const toMirror = (job: WrittenJob): JobMetaMirror => ({
  job_id: job.job_id,
  pipeline_id: job.pipeline_id,
  pipeline_version_id: job.pipeline_version_id,
  submitted_by: job.submitted_by,
  status: job.status,
  priority: job.priority,
  created_at: job.created_at,
  fence: 0,
  event_no: job.last_event_seq,
  idempotency_key: job.idempotency_key,
  deadline: job.deadline,
  screening_id: job.screening_id,
  item_key: job.item_key,
  canonical_job_id: job.canonical_job_id,
});
