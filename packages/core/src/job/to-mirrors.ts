import type { JobMetaMirror } from '../metadata/job-meta.repository.ts';
import type { MirroredJob } from '../results/mirrored-job.repository.ts';

/** What `jobs_meta` holds of the jobs, without those that another program wrote without a pipeline: for them there is no place. */
export function toMirrors(jobs: readonly MirroredJob[]): readonly JobMetaMirror[] {
  return jobs.flatMap((job) => toMirror(job) ?? []);
}

function toMirror(job: MirroredJob): JobMetaMirror | undefined {
  const { pipeline_id, pipeline_version_id, error } = job;
  if (pipeline_id === null || pipeline_version_id === null) return undefined;
  return {
    job_id: job.job_id,
    pipeline_id,
    pipeline_version_id,
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
    error_code: typeof error?.code === 'string' ? error.code : null,
    canonical_job_id: job.canonical_job_id,
  };
}
