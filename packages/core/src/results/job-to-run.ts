import { CompiledQuery } from 'kysely';
import type { JsonObject } from '../json.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import type { JobStatus } from './tables/job-status.ts';

/** What an executor needs of a job's rows to run it. Times are the database's, as durations from now. */
export interface JobToRun {
  readonly job_id: string;
  readonly status: JobStatus;
  readonly fence: number;
  readonly crash_count: number;
  readonly pipeline_version: string;
  readonly spec: JsonObject | null;
  readonly spec_digest: string | null;
  readonly params: JsonObject;
  readonly cache: JsonObject | null;
  readonly forked_from: string | null;
  readonly cancel_requested: boolean;
  /** Until the deadline; negative when it has passed; null without one. */
  readonly deadline_in_ms: number | null;
  /** Since its first start; 0 when it has not started. */
  readonly started_ms_ago: number;
  readonly inputs: readonly JobToRunInput[];
}

export interface JobToRunInput {
  readonly key: string;
  readonly uri: string;
  readonly content_type: string | null;
  readonly size_bytes: number | null;
}

/** Those of the jobs that may be claimed now: due and PENDING, not waiting for an equal job, or with a lease that ran out. One statement for all. */
export async function listJobsToRun(
  db: ResultsDatabase,
  { jobIds }: { jobIds: readonly string[] },
): Promise<readonly JobToRun[]> {
  const s = schemaOf(db);
  const text =
    prepared(`SELECT j.job_id, j.status, j.fence, j.crash_count, j.pipeline_version, j.spec, j.spec_digest, j.params, j.cache, j.forked_from,
  j.cancel_requested_at IS NOT NULL AS cancel_requested, extract(epoch FROM j.deadline - now()) * 1000 AS deadline_in_ms,
  coalesce(extract(epoch FROM now() - (j.timings->>'started')::timestamptz) * 1000, 0) AS started_ms_ago,
  coalesce((SELECT jsonb_agg(jsonb_build_object('key', i.key, 'uri', i.uri, 'content_type', i.content_type, 'size_bytes', i.size_bytes))
    FROM ${s}job_inputs i WHERE i.job_id = j.job_id), '[]') AS inputs
FROM ${s}jobs j WHERE j.job_id = ANY($1::uuid[]) AND ((j.status::text = 'PENDING' AND (j.run_after IS NULL OR j.run_after <= now())
    AND (j.leader_job_id IS NULL OR NOT EXISTS (SELECT FROM ${s}jobs l WHERE l.job_id = j.leader_job_id AND l.status::text IN ('PENDING', 'RUNNING'))))
  OR (j.status::text = 'RUNNING' AND j.lease_expires_at <= now()))`);
  const { rows } = await db.executeQuery<JobToRun>(CompiledQuery.raw(text, [[...jobIds]]));
  return rows.map((row) => ({
    ...row,
    fence: Number(row.fence),
    deadline_in_ms: row.deadline_in_ms === null ? null : Number(row.deadline_in_ms),
    started_ms_ago: Number(row.started_ms_ago),
  }));
}
