import type { Caller } from '../access/caller.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { listDockingResults } from '../results/docking-result.repository.ts';
import { listJobOutputs } from '../results/job.repository.ts';
import type { JobStatus } from '../results/tables/job-status.ts';
import { listTaskResults } from '../results/task-result.repository.ts';
import { getPermittedJob } from './get-permitted-job.ts';
import type { JobFailure } from './job-failure.ts';

export interface JobResults {
  readonly jobId: string;
  readonly status: JobStatus;
  /** Only where the job FAILED. */
  readonly error: JobFailure | null;
  /** The job that really ran, where this one was answered by the cache. */
  readonly canonicalJobId: string | null;
  /** Ascending rank; affinity in kcal/mol, RMSD to pose 1 in Å. */
  readonly poses: readonly JobPose[];
  /** Output key → its file. */
  readonly artifacts: Readonly<Record<string, JobArtifact>>;
  readonly taskResults: readonly JobTaskResult[];
}

export interface JobPose {
  readonly rank: number;
  readonly affinity: number;
  readonly rmsdLowerBound: number | null;
  readonly rmsdUpperBound: number | null;
}

export interface JobArtifact {
  readonly uri: string;
  /** SHA-256 of the bytes. */
  readonly digest: string | null;
  readonly contentType: string | null;
  readonly sizeBytes: number | null;
}

export interface JobTaskResult {
  readonly taskName: string;
  readonly serviceName: string | null;
  readonly schemaVersion: string | null;
  /** 0..1; null: not scored. */
  readonly confidenceScore: number | null;
  readonly resultData: JsonObject;
}

/**
 * What a job has given so far; for a job that the cache answered, what the job that really ran gave.
 * @throws {PermissionDeniedError} without `job.results.view`, or `job.results.view:own` for a job of the caller's own
 * @throws {NotFoundError}
 */
export async function getJobResults(
  platform: Platform,
  caller: Caller,
  { jobId }: { readonly jobId: string },
): Promise<JobResults> {
  const results = await platform.results.get(caller.orgId);
  const job = await getPermittedJob(results, caller, { jobId, permission: 'job.results.view' });
  const [poses, outputs, taskResults] = await Promise.all([
    listDockingResults(results, { jobId }),
    listJobOutputs(results, { jobId }),
    listTaskResults(results, { jobId }),
  ]);
  return {
    jobId,
    status: job.status,
    error: job.error as JobFailure | null,
    canonicalJobId: job.canonical_job_id,
    poses: poses.map((row) => ({
      rank: row.pose_rank,
      affinity: row.affinity,
      rmsdLowerBound: row.rmsd_lb,
      rmsdUpperBound: row.rmsd_ub,
    })),
    artifacts: Object.fromEntries(
      outputs.map((row) => [
        row.key,
        {
          uri: row.uri,
          digest: row.checksum,
          contentType: row.content_type,
          sizeBytes: row.size_bytes === null ? null : Number(row.size_bytes),
        },
      ]),
    ),
    taskResults: taskResults.map((row) => ({
      taskName: row.task_name,
      serviceName: row.service_name,
      schemaVersion: row.schema_version,
      confidenceScore: row.confidence_score,
      resultData: row.result_data,
    })),
  };
}
