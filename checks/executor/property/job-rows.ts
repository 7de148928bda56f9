import {
  getJob,
  inOrganization,
  type JobRow,
  type JobStatus,
  type JsonObject,
  listTaskExecutions,
  type MetadataDatabase,
  type OrgId,
  type ResultsDatabase,
  type TaskExecutionRow,
} from '@mad/core';

export interface EventRow {
  readonly seq: number;
  readonly event: string;
  /** Step instance of what tells of a task. */
  readonly name: string;
}

/** Everything the databases hold of one job. */
export interface JobRows {
  readonly job: JobRow;
  readonly events: readonly EventRow[];
  readonly executions: readonly TaskExecutionRow[];
  readonly outputs: readonly (readonly [name: string, output: JsonObject])[];
}

export async function readJobRows(results: ResultsDatabase, jobId: string): Promise<JobRows> {
  const [job, events, executions, outputs] = await Promise.all([
    getJob(results, { jobId }),
    results.selectFrom('job_events').selectAll().where('job_id', '=', jobId).orderBy('seq_no').execute(),
    listTaskExecutions(results, { jobId }),
    results.selectFrom('task_results').selectAll().where('job_id', '=', jobId).execute(),
  ]);
  return {
    job,
    events: events.map(({ seq_no, event, detail }) => ({ seq: Number(seq_no), event, name: detail ?? '' })),
    executions,
    outputs: outputs.map(({ task_name, result_data }) => [task_name, result_data] as const),
  };
}

/** What has been committed of a job's steps. */
export type Committed = Pick<JobRows, 'executions'> & { readonly done: ReadonlySet<string> };

/** Two statements suffice: what a call may look at, its own rows and those of the steps before it, stands still until it answers. */
export async function readCommitted(results: ResultsDatabase, jobId: string): Promise<Committed> {
  const [executions, done] = await Promise.all([
    listTaskExecutions(results, { jobId }),
    results.selectFrom('task_results').select('task_name').where('job_id', '=', jobId).execute(),
  ]);
  return { executions, done: new Set(done.map(({ task_name }) => task_name)) };
}

export async function findMirroredStatus(
  metadata: MetadataDatabase,
  { orgId, jobId }: { readonly orgId: OrgId; readonly jobId: string },
): Promise<JobStatus | undefined> {
  const row = await inOrganization(metadata, orgId, (tx) =>
    tx.selectFrom('jobs_meta').select('status').where('job_id', '=', jobId).executeTakeFirst(),
  );
  return row?.status;
}

const LOST = 'WORKER_LOST';

/** An attempt whose executor ended before its answer was committed. */
export const isLost = ({ error }: TaskExecutionRow): boolean => error?.code === LOST;

/** An attempt that counts against the retries of its instance. */
export function isFailure({ status, error }: TaskExecutionRow): boolean {
  return status === 'FAILED' && error !== null && error.code !== LOST;
}

export const isSkip = ({ status, error }: TaskExecutionRow): boolean =>
  status === 'CANCELED' && error?.code === 'SKIPPED';

export const stepOf = (instance: string): string => instance.replace(/\[.*/, '');
