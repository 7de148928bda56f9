import { sql } from 'kysely';
import { NotFoundError } from '../errors.ts';
import { rowId } from '../ids.ts';
import { withNumbers } from '../postgres/bigint-column.ts';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import { canonicalJob } from './canonical-job.ts';
import type { ResultsDatabase } from './results-database.ts';
import { JOB_BIGINTS, type JobRow } from './tables/job.table.ts';
import type { JobInputRow } from './tables/job-input.table.ts';
import type { JobOutputRow } from './tables/job-output.table.ts';
import type { JobStatus } from './tables/job-status.ts';

/** The job, whatever its status; undefined when this organization has none of that id. */
export async function findJob(db: ResultsDatabase, { jobId }: { jobId: string }): Promise<JobRow | undefined> {
  const row = await db.selectFrom('jobs').selectAll().where('job_id', '=', rowId(jobId)).executeTakeFirst();
  return row && withNumbers(row, JOB_BIGINTS);
}

/** @throws {NotFoundError} */
export async function getJob(db: ResultsDatabase, { jobId }: { jobId: string }): Promise<JobRow> {
  const job = await findJob(db, { jobId });
  if (!job) throw new NotFoundError({ entity: 'job', id: jobId });
  return job;
}

/** The one job that was submitted under the key. */
export async function findJobByIdempotencyKey(
  db: ResultsDatabase,
  { idempotencyKey }: { idempotencyKey: string },
): Promise<JobRow | undefined> {
  const row = await db.selectFrom('jobs').selectAll().where('idempotency_key', '=', idempotencyKey).executeTakeFirst();
  return row && withNumbers(row, JOB_BIGINTS);
}

/** The jobs that were submitted under these keys, one a key at most. */
export async function listJobsByIdempotencyKey(
  db: ResultsDatabase,
  { idempotencyKeys }: { idempotencyKeys: readonly string[] },
): Promise<readonly JobRow[]> {
  const rows = await db
    .selectFrom('jobs')
    .selectAll()
    .where('idempotency_key', '=', sql<string>`any(${[...idempotencyKeys]}::text[])`)
    .execute();
  return rows.map((row) => withNumbers(row, JOB_BIGINTS));
}

/** Which jobs to list; filters are joined by "and". */
export interface ListJobs extends PageRequest {
  readonly status?: JobStatus | undefined;
  readonly screeningId?: string | undefined;
}

/** Newest first. */
export async function listJobs(db: ResultsDatabase, request: ListJobs): Promise<Page<JobRow>> {
  const after = parseCursor(request, 2);
  let query = db
    .selectFrom('jobs')
    .selectAll()
    // A Date would cut the microseconds, and the next page would lose or repeat rows.
    .select(sql<string>`to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`.as('created_at_text'))
    .orderBy('created_at', 'desc')
    .orderBy('job_id', 'desc')
    .limit(pageLimit(request) + 1);
  if (request.status !== undefined) query = query.where('status', '=', request.status);
  if (request.screeningId !== undefined) query = query.where('screening_id', '=', request.screeningId);
  if (after)
    query = query.where(
      sql<boolean>`(created_at, job_id) < (cast(${after[0]} as timestamptz), cast(${after[1]} as uuid))`,
    );
  const page = toPage(await query.execute(), request, (row) => [row.created_at_text, row.job_id]);
  return { ...page, items: page.items.map(({ created_at_text: _, ...row }) => withNumbers(row, JOB_BIGINTS)) };
}

/**
 * Asks for the end of a job that is not closed; the first request's time stays. Returns the status it found: PENDING, the caller may close it;
 * RUNNING, its executor will learn of it with its next renewal; else nothing was done.
 * @throws {NotFoundError}
 */
export async function requestJobCancel(db: ResultsDatabase, { jobId }: { jobId: string }): Promise<JobStatus> {
  const row = await db
    .updateTable('jobs')
    .set((eb) => ({ cancel_requested_at: eb.fn.coalesce('cancel_requested_at', sql<Date>`now()`) }))
    .where('job_id', '=', rowId(jobId))
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .returning('status')
    .executeTakeFirst();
  return row?.status ?? (await getJob(db, { jobId })).status;
}

/** The job's own inputs by key, those of a cache hit too. */
export async function listJobInputs(
  db: ResultsDatabase,
  { jobId }: { jobId: string },
): Promise<readonly JobInputRow[]> {
  const rows = await db.selectFrom('job_inputs').selectAll().where('job_id', '=', jobId).orderBy('key').execute();
  return rows.map((row) => withNumbers(row, ['size_bytes']));
}

/** The own inputs of many jobs, in no order. */
export async function listInputsOfJobs(
  db: ResultsDatabase,
  { jobIds }: { jobIds: readonly string[] },
): Promise<readonly JobInputRow[]> {
  const rows = await db
    .selectFrom('job_inputs')
    .selectAll()
    .where('job_id', '=', sql<string>`any(${[...jobIds]}::uuid[])`)
    .execute();
  return rows.map((row) => withNumbers(row, ['size_bytes']));
}

/** The outputs of the job that really ran: a cache hit shows its canonical job's, under that job's id. */
export async function listJobOutputs(
  db: ResultsDatabase,
  { jobId }: { jobId: string },
): Promise<readonly JobOutputRow[]> {
  const rows = await db
    .selectFrom('job_outputs')
    .selectAll()
    .where('job_id', '=', canonicalJob(db, jobId))
    .orderBy('key')
    .execute();
  return rows.map((row) => withNumbers(row, ['size_bytes']));
}
