import { sql } from 'kysely';
import { ConflictError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import type { TerminalJobStatus } from './tables/job-status.ts';
import type { NewTaskExecutionRow, TaskExecutionRow } from './tables/task-execution.table.ts';
import { toCleanJsonb } from './to-jsonb.ts';

/**
 * Records an attempt. `started_at` is now by the database's clock unless given or PENDING; so is `ended_at` where the status is final at once,
 * as for a cached step.
 * @throws {ConflictError} when this attempt of the step instance is recorded already; the transaction stays usable.
 */
export async function insertTaskExecution(
  db: ResultsDatabase,
  execution: NewTaskExecutionRow,
): Promise<TaskExecutionRow> {
  const { job_id: jobId, task_name: taskName, retries = 0, status = 'PENDING' } = execution;
  const row = await db
    .insertInto('task_executions')
    .values({
      started_at: status === 'PENDING' ? null : sql<Date>`now()`,
      ended_at: status === 'PENDING' || status === 'RUNNING' ? null : sql<Date>`now()`,
      ...execution,
      error: toCleanJsonb(execution.error),
    })
    .onConflict((conflict) => conflict.columns(['job_id', 'task_name', 'retries']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row) return row;
  throw new ConflictError({
    entity: 'task execution',
    id: `${jobId} ${taskName} #${retries}`,
    hint: 'number the next attempt one higher',
  });
}

/** How one attempt ended; what is left out stays as it is. */
export interface FinishTaskExecution {
  readonly execId: string;
  readonly status: TerminalJobStatus;
  readonly error?: JsonObject | undefined;
  readonly logsUri?: string | undefined;
  readonly serviceId?: string | undefined;
  readonly cacheOutcome?: string | undefined;
}

/** Ends an attempt; undefined when it has ended already or is not there, and then nothing is changed. */
export async function finishTaskExecution(
  db: ResultsDatabase,
  execution: FinishTaskExecution,
): Promise<TaskExecutionRow | undefined> {
  return db
    .updateTable('task_executions')
    .set({
      status: execution.status,
      ended_at: sql<Date>`now()`,
      error: toCleanJsonb(execution.error),
      logs_uri: execution.logsUri,
      service_id: execution.serviceId,
      cache_outcome: execution.cacheOutcome,
    })
    .where('exec_id', '=', execution.execId)
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .returningAll()
    .executeTakeFirst();
}

/** How to end whatever is still open. */
export interface FinishOpenTaskExecutions {
  readonly jobId: string;
  readonly status: TerminalJobStatus;
  readonly error?: JsonObject | undefined;
}

/** Ends every attempt of a job that is still open: what a crashed holder left, or what a cancel stops. Returns the ended rows. */
export async function finishOpenTaskExecutions(
  tx: ResultsTransaction,
  { jobId, status, error }: FinishOpenTaskExecutions,
): Promise<readonly TaskExecutionRow[]> {
  return tx
    .updateTable('task_executions')
    .set({ status, ended_at: sql<Date>`now()`, error: toCleanJsonb(error) })
    .where('job_id', '=', jobId)
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .returningAll()
    .execute();
}

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

/** Keeps the service's own id of a long-running call, by which another executor can find the call again. */
export async function setTaskExecutionExternalId(
  db: ResultsDatabase,
  {
    execId,
    externalId,
    serviceId,
  }: { readonly execId: string; readonly externalId: string; readonly serviceId?: string | undefined },
): Promise<void> {
  await db
    .updateTable('task_executions')
    .set({ external_id: externalId, service_id: serviceId })
    .where('exec_id', '=', execId)
    .execute();
}

/** Notes that the attempt is alive; false when it has ended. */
export async function heartbeatTaskExecution(db: ResultsDatabase, { execId }: { execId: string }): Promise<boolean> {
  const row = await db
    .updateTable('task_executions')
    .set({ heartbeat_at: sql<Date>`now()` })
    .where('exec_id', '=', execId)
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .returning('exec_id')
    .executeTakeFirst();
  return row !== undefined;
}
