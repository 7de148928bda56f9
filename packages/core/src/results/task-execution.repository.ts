import { CompiledQuery, sql } from 'kysely';
import { LeaseLostError } from '../errors.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { HeldJob } from './job-lease.repository.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import type { TerminalJobStatus } from './tables/job-status.ts';
import type { TaskExecutionRow } from './tables/task-execution.table.ts';

/** All attempts of a job, those of one step instance together and in their order. */
export async function listTaskExecutions(
  db: ResultsDatabase,
  { jobId }: { jobId: string },
): Promise<readonly TaskExecutionRow[]> {
  return db
    .selectFrom('task_executions')
    .selectAll()
    .where('job_id', '=', jobId)
    .orderBy('task_name')
    .orderBy('retries')
    .execute();
}

/** A step instance of a job. */
export interface InstanceOfJob {
  readonly jobId: string;
  readonly taskName: string;
}

/** For how long a step instance has run now, by the database's clock. */
export interface RunningExecution {
  readonly job_id: string;
  readonly task_name: string;
  readonly elapsed_ms: number;
}

/** The newest open attempt of each of these step instances; those without one are left out. */
export async function listRunningExecutions(
  db: ResultsDatabase,
  { instances }: { readonly instances: readonly InstanceOfJob[] },
): Promise<readonly RunningExecution[]> {
  if (instances.length === 0) return [];
  const text =
    prepared(`SELECT x.job_id, x.task_name, (extract(epoch FROM clock_timestamp() - max(x.started_at)) * 1000)::float8 AS elapsed_ms
FROM ${schemaOf(db)}task_executions x JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[])) AS g(job_id, task_name) USING (job_id, task_name)
WHERE x.status::text = 'RUNNING' AND x.started_at IS NOT NULL GROUP BY x.job_id, x.task_name`);
  const columns = [instances.map(({ jobId }) => jobId), instances.map(({ taskName }) => taskName)];
  return (await db.executeQuery<RunningExecution>(CompiledQuery.raw(text, columns))).rows;
}

/** Ends every attempt of a job that is still open; what had ended stays. */
export async function finishOpenTaskExecutions(
  db: ResultsDatabase,
  { jobId, status }: { readonly jobId: string; readonly status: TerminalJobStatus },
): Promise<void> {
  await db
    .updateTable('task_executions')
    .set({ status, ended_at: sql<Date>`now()` })
    .where('job_id', '=', jobId)
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .execute();
}

export interface AcceptedExecution extends HeldJob {
  readonly execId: string;
  readonly serviceId: string;
  /** The service's own id of the work. */
  readonly externalId: string;
}

/** Notes on a running attempt which work a service has taken over for it. @throws {LeaseLostError} when the job is not held under this fence (any more). */
export async function recordAcceptedExecution(
  db: ResultsDatabase,
  { execId, jobId, fence, serviceId, externalId }: AcceptedExecution,
): Promise<void> {
  const row = await db
    .updateTable('task_executions')
    .set({ service_id: serviceId, external_id: externalId })
    .where('exec_id', '=', execId)
    .where('job_id', '=', jobId)
    .where('status', '=', 'RUNNING')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('jobs')
          .select('job_id')
          .where('job_id', '=', jobId)
          .where('fence', '=', fence)
          .where('status', '=', 'RUNNING'),
      ),
    )
    .returning('exec_id')
    .executeTakeFirst();
  if (!row) throw new LeaseLostError({ jobId, fence });
}
