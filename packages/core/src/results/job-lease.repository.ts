import { sql } from 'kysely';
import { LeaseLostError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { withNumbers } from '../postgres/bigint-column.ts';
import type { ResultsTransaction } from './results-database.ts';
import { JOB_BIGINTS, type JobRow } from './tables/job.table.ts';

/** A job and the fence under which the caller claimed it. */
export interface HeldJob {
  readonly jobId: string;
  readonly fence: number;
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

const isoNow = sql<string>`to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
