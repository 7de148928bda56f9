import { setTimeout } from 'node:timers/promises';
import {
  findJobMeta,
  getJob,
  inOrganization,
  type JobEventRow,
  type JobOutputRow,
  type JobRow,
  listJobEvents,
  listJobOutputs,
  listTaskExecutions,
  listTaskResults,
  type MetadataDatabase,
  type ResultsDatabase,
  type TaskExecutionRow,
  type TaskResultRow,
} from '@mad/core';
import { ORG_ID } from './work-platform.ts';

/** Everything that the databases hold of one job. */
export interface JobRecord {
  readonly job: JobRow;
  readonly events: readonly JobEventRow[];
  readonly executions: readonly TaskExecutionRow[];
  readonly results: readonly TaskResultRow[];
  readonly outputs: readonly JobOutputRow[];
}

export async function readJobRecord(db: ResultsDatabase, jobId: string): Promise<JobRecord> {
  return {
    job: await getJob(db, { jobId }),
    events: await listJobEvents(db, { jobId }),
    executions: await listTaskExecutions(db, { jobId }),
    results: await listTaskResults(db, { jobId }),
    outputs: await listJobOutputs(db, { jobId }),
  };
}

/** Waits until the mirror says what the job's row says, and returns how long that took; undefined when it does not within the time. */
export async function untilMirrored(
  { metadata, results }: { readonly metadata: MetadataDatabase; readonly results: ResultsDatabase },
  { jobId, withinMs }: { readonly jobId: string; readonly withinMs: number },
): Promise<number | undefined> {
  const started = performance.now();
  for (;;) {
    const job = await getJob(results, { jobId });
    const meta = await inOrganization(metadata, ORG_ID, (tx) => findJobMeta(tx, { jobId }));
    const waitedMs = Math.round(performance.now() - started);
    if (meta?.status === job.status && meta.event_no === job.last_event_seq && meta.fence === job.fence)
      return waitedMs;
    if (waitedMs > withinMs) return undefined;
    await setTimeout(50);
  }
}
