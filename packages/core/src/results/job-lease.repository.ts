import { sql } from 'kysely';
import { LeaseLostError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { withNumbers } from '../postgres/bigint-column.ts';
import { fromNow } from './from-now.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import { JOB_BIGINTS, type JobRow } from './tables/job.table.ts';
import type { JobStatus, TerminalJobStatus } from './tables/job-status.ts';
import { toCleanJsonb, toJsonb } from './to-jsonb.ts';

/** The right to run a job, as long as its fence is the highest. */
export interface JobLease {
  /** Names this holding of the lease in every later call. */
  readonly fence: number;
  readonly job: JobRow;
  /** True when somebody held the lease before: steps may be committed, attempts may lie open. */
  readonly resumed: boolean;
}

/** Who wants the job, and for how long without a renewal. */
export interface ClaimJobLease {
  readonly jobId: string;
  /** Names the executor, for people. */
  readonly holder: string;
  readonly leaseMs: number;
}

/**
 * Claims a job that is PENDING and due, or RUNNING with a lease that ran out; undefined when it is neither. The fence rises with every claim,
 * `crash_count` with every one that takes an expired lease over.
 */
export async function claimJobLease(
  tx: ResultsTransaction,
  { jobId, holder, leaseMs }: ClaimJobLease,
): Promise<JobLease | undefined> {
  const row = await tx
    .updateTable('jobs')
    .set({
      status: 'RUNNING',
      lease_owner: holder,
      lease_expires_at: fromNow(leaseMs),
      fence: sql<number>`fence + 1`,
      crash_count: sql<number>`crash_count + case when status = 'RUNNING' then 1 else 0 end`,
      timings: sql<JsonObject>`jsonb_build_object('started', ${isoNow}) || timings`,
    })
    .where('job_id', '=', jobId)
    .where(isClaimable)
    .returningAll()
    .executeTakeFirst();
  if (!row) return undefined;
  const job = withNumbers(row, JOB_BIGINTS);
  return { fence: job.fence, job, resumed: job.fence > 1 };
}

/** A job and the fence under which the caller claimed it. */
export interface HeldJob {
  readonly jobId: string;
  readonly fence: number;
}

/** Holds the lease for `leaseMs` from now; undefined when it is lost. A lease that expired unclaimed is held again. */
export async function renewJobLease(
  db: ResultsDatabase,
  { jobId, fence, leaseMs }: HeldJob & { readonly leaseMs: number },
): Promise<{ readonly cancelRequested: boolean } | undefined> {
  const row = await db
    .updateTable('jobs')
    .set({ lease_expires_at: fromNow(leaseMs) })
    .where('job_id', '=', jobId)
    .where('fence', '=', fence)
    .where('status', '=', 'RUNNING')
    .returning('cancel_requested_at')
    .executeTakeFirst();
  return row && { cancelRequested: row.cancel_requested_at !== null };
}

/**
 * Locks the job's row until the transaction ends, during which nobody can claim it. Every commit of an executor begins with it.
 * @throws {LeaseLostError} when `fence` does not hold the job any more.
 */
export async function lockJobLease(tx: ResultsTransaction, { jobId, fence }: HeldJob): Promise<void> {
  const row = await tx
    .selectFrom('jobs')
    .select('job_id')
    .where('job_id', '=', jobId)
    .where('fence', '=', fence)
    .where('status', '=', 'RUNNING')
    // Weaker than FOR UPDATE by just that it lets others insert rows that refer to this job.
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row) throw new LeaseLostError({ jobId, fence });
}

/** Gives the lease back before it expires: the job is PENDING again and anybody may claim it. No crash is counted. @throws {LeaseLostError} */
export async function releaseJobLease(tx: ResultsTransaction, { jobId, fence }: HeldJob): Promise<void> {
  const row = await tx
    .updateTable('jobs')
    .set({ status: 'PENDING', lease_owner: null, lease_expires_at: sql<Date>`now()` })
    .where('job_id', '=', jobId)
    .where('fence', '=', fence)
    .where('status', '=', 'RUNNING')
    .returning('job_id')
    .executeTakeFirst();
  if (!row) throw new LeaseLostError({ jobId, fence });
}

/** How a job ended. */
export interface CloseJob extends HeldJob {
  readonly status: TerminalJobStatus;
  readonly error?: JsonObject | undefined;
  /** Laid over what is there; `ended` is set by the database's clock unless given. */
  readonly timings?: JsonObject | undefined;
  /** Laid over what is there. */
  readonly metrics?: JsonObject | undefined;
}

/** Brings a job to its final state and ends its lease. @throws {LeaseLostError} when `fence` does not hold the job any more. */
export async function closeJob(
  tx: ResultsTransaction,
  { jobId, fence, status, error, timings = {}, metrics = {} }: CloseJob,
): Promise<JobRow> {
  const row = await tx
    .updateTable('jobs')
    .set({
      status,
      lease_owner: null,
      lease_expires_at: null,
      error: toCleanJsonb(error),
      timings: sql<JsonObject>`timings || jsonb_build_object('ended', ${isoNow}) || ${toJsonb(timings)}`,
      metrics: sql<JsonObject>`metrics || ${toJsonb(metrics)}`,
    })
    .where('job_id', '=', jobId)
    .where('fence', '=', fence)
    .where('status', '=', 'RUNNING')
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new LeaseLostError({ jobId, fence });
  return withNumbers(row, JOB_BIGINTS);
}

/** Closes a job that nobody runs as CANCELED; undefined when it is not PENDING (any more). */
export async function cancelPendingJob(
  tx: ResultsTransaction,
  { jobId }: { jobId: string },
): Promise<JobRow | undefined> {
  const row = await tx
    .updateTable('jobs')
    .set({
      status: 'CANCELED',
      lease_expires_at: null,
      cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, now())`,
      timings: sql<JsonObject>`timings || jsonb_build_object('ended', ${isoNow})`,
    })
    .where('job_id', '=', jobId)
    .where('status', '=', 'PENDING')
    .returningAll()
    .executeTakeFirst();
  return row && withNumbers(row, JOB_BIGINTS);
}

/** What a queue needs to deliver the job again. */
export interface RecoverableJob {
  readonly job_id: string;
  readonly status: JobStatus;
  readonly priority: number;
}

/** Jobs that `claimJobLease` would give now: due and PENDING, or with an expired lease. Highest priority first, then the oldest. */
export async function listRecoverableJobs(
  db: ResultsDatabase,
  { limit }: { limit: number },
): Promise<readonly RecoverableJob[]> {
  return db
    .selectFrom('jobs')
    .select(['job_id', 'status', 'priority'])
    .where(isClaimable)
    .orderBy('priority', 'desc')
    .orderBy('created_at')
    .orderBy('job_id')
    .limit(limit)
    .execute();
}

const isClaimable = sql<boolean>`((status = 'PENDING' and (run_after is null or run_after <= now())) or (status = 'RUNNING' and lease_expires_at <= now()))`;
const isoNow = sql<string>`to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
