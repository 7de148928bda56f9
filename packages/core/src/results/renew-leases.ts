import { CompiledQuery } from 'kysely';
import { prepared } from '../postgres/prepared-statements.ts';
import type { HeldJob } from './job-lease.repository.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** What became of a lease that somebody wanted to renew. */
export interface RenewedLease {
  readonly job_id: string;
  /** False: another holds the job now, or it is closed. */
  readonly held: boolean;
  /** False while held: a commit of the job was under way and the row was not waited for; ask again. */
  readonly renewed: boolean;
  readonly cancel_requested: boolean;
}

/**
 * Holds many leases for `leaseMs` from now in one statement; a lease that expired unclaimed is held again. Rows that a commit has locked are passed
 * over: waiting for them in another order than a batch of commits locks its rows would be a deadlock.
 */
export async function renewJobLeases(
  db: ResultsDatabase,
  { jobs, leaseMs }: { readonly jobs: readonly HeldJob[]; readonly leaseMs: number },
): Promise<readonly RenewedLease[]> {
  const s = schemaOf(db);
  const text = prepared(`WITH given AS (SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS g(job_id, fence)),
free AS (SELECT j.job_id FROM ${s}jobs j JOIN given g USING (job_id) WHERE j.fence = g.fence AND j.status::text = 'RUNNING'
  FOR NO KEY UPDATE OF j SKIP LOCKED),
renewed AS (UPDATE ${s}jobs j SET lease_expires_at = now() + $3::bigint * interval '1 ms' FROM free WHERE j.job_id = free.job_id RETURNING j.job_id)
SELECT g.job_id, coalesce(j.fence = g.fence AND j.status = 'RUNNING', false) AS held, renewed.job_id IS NOT NULL AS renewed,
  coalesce(j.cancel_requested_at IS NOT NULL, false) AS cancel_requested
FROM given g LEFT JOIN ${s}jobs j USING (job_id) LEFT JOIN renewed USING (job_id)`);
  const parameters = [jobs.map(({ jobId }) => jobId), jobs.map(({ fence }) => fence), leaseMs];
  return (await db.executeQuery<RenewedLease>(CompiledQuery.raw(text, parameters))).rows;
}

/** Those of the jobs that somebody wants to end. */
export async function listCancelRequests(
  db: ResultsDatabase,
  { jobIds }: { jobIds: readonly string[] },
): Promise<readonly string[]> {
  const text = prepared(
    `SELECT job_id FROM ${schemaOf(db)}jobs WHERE job_id = ANY($1::uuid[]) AND cancel_requested_at IS NOT NULL`,
  );
  const { rows } = await db.executeQuery<{ job_id: string }>(CompiledQuery.raw(text, [[...jobIds]]));
  return rows.map((row) => row.job_id);
}
