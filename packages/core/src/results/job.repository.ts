import { sql } from 'kysely';
import { ConflictError, NotFoundError } from '../errors.ts';
import { rowId } from '../ids.ts';
import { withNumbers } from '../postgres/bigint-column.ts';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import { canonicalJob } from './canonical-job.ts';
import { inChunks } from './in-chunks.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import { JOB_BIGINTS, type JobRow, type NewJobRow } from './tables/job.table.ts';
import type { JobInputRow, NewJobInputRow } from './tables/job-input.table.ts';
import type { JobOutputRow, NewJobOutputRow } from './tables/job-output.table.ts';
import type { JobStatus } from './tables/job-status.ts';
import { toJsonb } from './to-jsonb.ts';

/** A new job and the files it is given. */
export interface InsertJob {
  readonly job: NewJobRow;
  readonly inputs: readonly Omit<NewJobInputRow, 'job_id'>[];
}

/**
 * Inserts a job with its inputs. A `canonical_job_id` that names a cache hit is replaced by the job which that hit points to.
 * @throws {ConflictError} when the id or the idempotency key is taken; the transaction stays usable.
 */
export async function insertJob(tx: ResultsTransaction, { job, inputs }: InsertJob): Promise<JobRow> {
  const canonicalJobId = job.canonical_job_id
    ? await findCanonicalJobId(tx, { jobId: job.canonical_job_id })
    : undefined;
  const row = await tx
    .insertInto('jobs')
    .values({
      ...job,
      ...(canonicalJobId && { canonical_job_id: canonicalJobId }),
      params: toJsonb(job.params),
      timings: toJsonb(job.timings),
      metrics: toJsonb(job.metrics),
      error: toJsonb(job.error),
      spec: toJsonb(job.spec),
      cache: toJsonb(job.cache),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row)
    throw new ConflictError({
      entity: 'job',
      id: job.job_id,
      hint: 'or its idempotency key is taken: find the job that holds it',
    });
  const inputRows = inputs.map((input) => ({ ...input, job_id: job.job_id }));
  await inChunks(inputRows, (part) => tx.insertInto('job_inputs').values(part).execute());
  return withNumbers(row, JOB_BIGINTS);
}

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

/** Those of the jobs that are over. */
export async function listClosedJobIds(
  db: ResultsDatabase,
  { jobIds }: { jobIds: readonly string[] },
): Promise<readonly string[]> {
  if (jobIds.length === 0) return [];
  const rows = await db
    .selectFrom('jobs')
    .select('job_id')
    .where('job_id', 'in', [...jobIds])
    .where('status', 'in', ['COMPLETED', 'FAILED', 'CANCELED'])
    .execute();
  return rows.map((row) => row.job_id);
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

/** The job that really ran: the canonical job of a cache hit, else the job itself; undefined when the job is not there. */
export async function findCanonicalJobId(
  db: ResultsDatabase,
  { jobId }: { jobId: string },
): Promise<string | undefined> {
  return (await canonicalJob(db, jobId).executeTakeFirst())?.id;
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

/** The files a job made, by output key. */
export interface InsertJobOutputs {
  readonly jobId: string;
  readonly outputs: readonly Omit<NewJobOutputRow, 'job_id'>[];
}

/** Writes all outputs or none; part of the commit that closes the job. */
export async function insertJobOutputs(tx: ResultsTransaction, { jobId, outputs }: InsertJobOutputs): Promise<void> {
  const rows = outputs.map((output) => ({ ...output, job_id: jobId }));
  await inChunks(rows, (part) => tx.insertInto('job_outputs').values(part).execute());
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
