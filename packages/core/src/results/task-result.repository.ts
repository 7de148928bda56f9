import { sql } from 'kysely';
import { NotFoundError } from '../errors.ts';
import { canonicalJob } from './canonical-job.ts';
import type { ResultsDatabase } from './results-database.ts';
import type { TaskResultRow } from './tables/task-result.table.ts';

/** Which results go over to another job. */
export interface CopyTaskResults {
  readonly fromJobId: string;
  readonly toJobId: string;
  /** Step instances. */
  readonly taskNames: readonly string[];
}

/** Makes results of one job results of another, as they are. @throws {NotFoundError} when one of them is gone; roll back then. */
export async function copyTaskResults(
  tx: ResultsDatabase,
  { fromJobId, toJobId, taskNames }: CopyTaskResults,
): Promise<void> {
  if (taskNames.length === 0) return;
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto('task_results')
    .columns(['job_id', 'task_name', 'service_name', 'schema_version', 'confidence_score', 'result_data'])
    .expression((eb) =>
      eb
        .selectFrom('task_results')
        .select([
          sql<string>`cast(${toJobId} as uuid)`.as('job_id'),
          ...(['task_name', 'service_name', 'schema_version', 'confidence_score', 'result_data'] as const),
        ])
        .where('job_id', '=', fromJobId)
        .where('task_name', '=', sql<string>`any(${[...taskNames]}::text[])`),
    )
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== BigInt(taskNames.length)) throw new NotFoundError({ entity: 'job', id: fromJobId });
}

/** The job's own result; a cache hit has none, see its canonical job. */
export async function findTaskResult(
  db: ResultsDatabase,
  { jobId, taskName }: { jobId: string; taskName: string },
): Promise<TaskResultRow | undefined> {
  return db
    .selectFrom('task_results')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('task_name', '=', taskName)
    .executeTakeFirst();
}

/** The results of the job that really ran, by step instance: a cache hit shows its canonical job's, under that job's id. */
export async function listTaskResults(
  db: ResultsDatabase,
  { jobId }: { jobId: string },
): Promise<readonly TaskResultRow[]> {
  return db
    .selectFrom('task_results')
    .selectAll()
    .where('job_id', '=', canonicalJob(db, jobId))
    .orderBy('task_name')
    .execute();
}
