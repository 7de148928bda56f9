import type { MadError } from '../errors.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import type { JobStatus } from '../results/tables/job-status.ts';
import { parseJobCache } from './job-cache.ts';

export interface SubmittedJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly cache: {
    readonly hit: boolean;
    readonly canonicalJobId: string | null;
    /** The open job that was asked the same before; this one is given its result. */
    readonly leaderJobId: string | null;
  };
}

/** Place of a request → its job, or the error that keeps it from being one. */
export type Outcomes = Map<number, SubmittedJob | MadError>;

export function toSubmitted(
  job: Pick<JobRow, 'job_id' | 'status' | 'canonical_job_id' | 'leader_job_id'> & { readonly cache?: unknown },
): SubmittedJob {
  const { job_id: jobId, status, canonical_job_id: canonicalJobId, leader_job_id: leaderJobId } = job;
  const hit = parseJobCache(job.cache).outcome === 'hit';
  return { jobId, status, cache: { hit, canonicalJobId, leaderJobId } };
}
