import type { JsonObject } from '../json.ts';
import { Recent } from '../recent.ts';
import type { AcceptedJob, InsertedJob } from './insert-jobs.ts';
import type { JobToRun } from './job-to-run.ts';
import type { ResultsDatabase } from './results-database.ts';
import { toJsonText } from './to-jsonb.ts';

/** Characters of parameters, with as many again for the rest of each job. */
const KEPT = 200_000;
const REST = 2_000;
const kept = new WeakMap<ResultsDatabase, Recent<string, NewJob>>();

/** A job that waits, as its rows were when they were written, at `readAt` by `performance.now()`. */
export interface NewJob {
  readonly job: JobToRun;
  readonly readAt: number;
}

/** Keeps what an executor would read of a job that was just inserted: one of this process that starts it at once need not ask the database. */
export function keepNewJob(db: ResultsDatabase, { job, inputs }: AcceptedJob, { created_at }: InsertedJob): void {
  const { job_id, pipeline_version, spec_digest = null, run_after, forked_from } = job;
  if (job.status !== 'PENDING' || run_after || forked_from) return;
  // As jsonb gives it back, and not what the caller holds.
  const params = toJsonText((job.params ?? {}) as JsonObject);
  const jobs = kept.get(db) ?? new Recent<string, NewJob>(KEPT);
  kept.set(db, jobs);
  const toRun: JobToRun = {
    ...{ job_id, status: 'PENDING', fence: 0, crash_count: 0, pipeline_version, spec: null, spec_digest },
    params: JSON.parse(params) as JsonObject,
    cache: (job.cache ?? null) as JsonObject | null,
    forked_from: null,
    cancel_requested: false,
    deadline_in_ms: job.deadline ? new Date(job.deadline).getTime() - created_at.getTime() : null,
    started_ms_ago: 0,
    inputs: inputs.map(({ key, uri, content_type = null, size_bytes = null }) => ({
      ...{ key, uri, content_type, size_bytes: size_bytes === null ? null : Number(size_bytes) },
    })),
  };
  jobs.set(job_id, { job: toRun, readAt: performance.now() }, params.length + REST);
}

/** Gives a kept job away, once. */
export function takeNewJob(db: ResultsDatabase, { jobId }: { readonly jobId: string }): NewJob | undefined {
  const jobs = kept.get(db);
  const found = jobs?.get(jobId);
  jobs?.delete(jobId);
  return found;
}
