import { CompiledQuery, sql } from 'kysely';
import { prepared } from '../postgres/prepared-statements.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** What of its quotas an organization has used. */
export interface JobUsage {
  /** Accepted since the month began in UTC, those answered by the cache at once left out. */
  readonly jobsThisMonth: number;
  /** Accepted and not ended. */
  readonly openJobs: number;
}

/** The first day of this month in UTC, in SQL. */
export const THIS_MONTH = "date_trunc('month', now() AT TIME ZONE 'utc')::date";
const JOBS_OF_MONTH = (s: string): string =>
  `SELECT count(*) FROM ${s}jobs WHERE created_at >= ${THIS_MONTH}::timestamp AT TIME ZONE 'utc' AND canonical_job_id IS NULL`;
const OPEN_JOBS = (s: string): string =>
  `SELECT count(*)::float8 AS jobs FROM ${s}jobs WHERE status IN ('PENDING', 'RUNNING')`;

interface NewJobs {
  readonly jobs: number;
}

/**
 * Adds jobs that this transaction has inserted to those of the month, where they are counted already: since a limit first stood in it. Until the transaction ends
 * whoever else counts waits. Returns all of the month; undefined where they are not counted.
 */
export async function addNewJobs(tx: ResultsTransaction, { jobs }: NewJobs): Promise<number | undefined> {
  const s = schemaOf(tx);
  const add = `UPDATE ${s}job_usage SET jobs = jobs + $1 WHERE month = ${THIS_MONTH} RETURNING jobs::float8 AS jobs`;
  return count(tx, { text: add, jobs });
}

/**
 * Counts jobs that this transaction has inserted, from now on always, and returns what is used with them. Of two that together take more than there is, the
 * second sees it.
 */
export async function countNewJobs(tx: ResultsTransaction, { jobs }: NewJobs): Promise<JobUsage> {
  const s = schemaOf(tx);
  // The first of a month finds those that were accepted before there was a limit, its own among them.
  const begin = `INSERT INTO ${s}job_usage AS u (month, jobs) SELECT ${THIS_MONTH}, (${JOBS_OF_MONTH(s)})
ON CONFLICT (month) DO UPDATE SET jobs = u.jobs + $1 RETURNING jobs::float8 AS jobs`;
  const jobsThisMonth = (await addNewJobs(tx, { jobs })) ?? (await count(tx, { text: begin, jobs })) ?? jobs;
  // A statement of its own: it sees what was committed while the one before waited.
  const { rows } = await tx.executeQuery<{ jobs: number }>(CompiledQuery.raw(prepared(OPEN_JOBS(s))));
  return { jobsThisMonth, openJobs: rows[0]?.jobs ?? 0 };
}

async function count(
  tx: ResultsTransaction,
  { text, jobs }: { readonly text: string; readonly jobs: number },
): Promise<number | undefined> {
  const { rows } = await tx.executeQuery<{ jobs: number }>(CompiledQuery.raw(prepared(text), [jobs]));
  return rows[0]?.jobs;
}

/** What is used now. */
export async function readJobUsage(db: ResultsDatabase): Promise<JobUsage> {
  const s = schemaOf(db);
  const { rows } = await sql<JobUsage>`
    select coalesce((select jobs from ${sql.raw(s)}job_usage where month = ${sql.raw(THIS_MONTH)}), (${sql.raw(JOBS_OF_MONTH(s))}))::float8 as "jobsThisMonth",
      (${sql.raw(OPEN_JOBS(s))}) as "openJobs"`.execute(db);
  return rows[0] ?? { jobsThisMonth: 0, openJobs: 0 };
}
