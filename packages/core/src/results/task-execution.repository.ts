import { sql } from 'kysely';
import { LeaseLostError } from '../errors.ts';
import type { HeldJob } from './job-lease.repository.ts';
import type { ResultsDatabase } from './results-database.ts';
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
