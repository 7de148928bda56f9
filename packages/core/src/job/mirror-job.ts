import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import { mirrorJobMeta } from '../metadata/job-meta.repository.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import type { Platform } from '../platform.ts';
import { getJob } from '../results/job.repository.ts';
import type { JobRow } from '../results/tables/job.table.ts';

/**
 * Brings the job's line in the Metadata DB up to its row in the Results DB, never back. The row is the truth: a mirror that could not be
 * written is repaired later, and fails no job.
 */
export async function mirrorJob(
  { metadata, results, logger = silentLogger }: Platform,
  { orgId, jobId }: { orgId: OrgId; jobId: string },
): Promise<void> {
  try {
    const job = await getJob(await results.get(orgId), { jobId });
    const { pipeline_id, pipeline_version_id } = job;
    // Rows that another program wrote name no pipeline, and the Metadata DB has no place for them.
    if (pipeline_id === null || pipeline_version_id === null) return;
    await inOrganization(metadata, orgId, (tx) =>
      mirrorJobMeta(tx, { ...toMirror(job), pipeline_id, pipeline_version_id }),
    );
  } catch (error) {
    logger.warn({ err: error, org_id: orgId, job_id: jobId }, 'the job could not be mirrored to the metadata database');
  }
}

function toMirror(job: JobRow) {
  const code = job.error?.code;
  return {
    job_id: job.job_id,
    submitted_by: job.submitted_by,
    status: job.status,
    priority: job.priority,
    created_at: job.created_at,
    fence: job.fence,
    event_no: job.last_event_seq,
    idempotency_key: job.idempotency_key,
    deadline: job.deadline,
    screening_id: job.screening_id,
    item_key: job.item_key,
    error_code: typeof code === 'string' ? code : null,
    canonical_job_id: job.canonical_job_id,
  };
}
