import { sql } from 'kysely';
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
