import { sql } from 'kysely';
import { fromNow } from '../results/from-now.ts';
import type { OperatorTransaction } from './metadata-database.ts';
import type { AdmittedJobRow } from './tables/admitted-job.table.ts';

/** A job in a slot of a worker. */
export type AdmittedJob = Omit<AdmittedJobRow, 'admitted_at' | 'expires_at' | 'worker_id'>;

/** Whose slots, and for how long without a sign of life. */
export interface HoldSlots {
  readonly workerId: string;
  readonly jobs: readonly AdmittedJob[];
  readonly ttlMs: number;
}

/**
 * Holds a slot for each of the jobs for `ttlMs` from now by the database's clock. A slot that the worker had is renewed, one that was free is taken.
 * Returns the ids of the jobs that the worker holds; another worker has the rest.
 */
export async function holdSlots(
  tx: OperatorTransaction,
  { workerId, jobs, ttlMs }: HoldSlots,
): Promise<ReadonlySet<string>> {
  if (jobs.length === 0) return new Set();
  const rows = await tx
    .insertInto('admitted_jobs')
    .values(jobs.map((job) => ({ ...job, worker_id: workerId, expires_at: fromNow(ttlMs) })))
    .onConflict((conflict) =>
      conflict
        .column('job_id')
        .doUpdateSet((eb) => ({ expires_at: eb.ref('excluded.expires_at') }))
        .whereRef('admitted_jobs.worker_id', '=', 'excluded.worker_id'),
    )
    .returning('job_id')
    .execute();
  return new Set(rows.map(({ job_id }) => job_id));
}

/** Gives slots back. Returns those that were the worker's still. */
export async function releaseSlots(
  tx: OperatorTransaction,
  { workerId, jobIds }: { readonly workerId: string; readonly jobIds: readonly string[] },
): Promise<ReadonlySet<string>> {
  if (jobIds.length === 0) return new Set();
  const rows = await tx
    .deleteFrom('admitted_jobs')
    .where('worker_id', '=', workerId)
    .where('job_id', 'in', [...jobIds])
    .returning('job_id')
    .execute();
  return new Set(rows.map(({ job_id }) => job_id));
}

/** Takes back the slots of workers that gave no sign of life. Leaves alone what a worker renews at this moment. */
export async function expireSlots(tx: OperatorTransaction): Promise<AdmittedJob[]> {
  return tx
    .deleteFrom('admitted_jobs')
    .where('job_id', 'in', (eb) =>
      eb
        .selectFrom('admitted_jobs')
        .select('job_id')
        .where('expires_at', '<', sql<Date>`now()`)
        .forUpdate()
        .skipLocked(),
    )
    .returning(['job_id', 'org_id', 'resource_class', 'message_id', 'attempt'])
    .execute();
}

/** How many jobs run of each organization in each resource class. */
export async function countAdmittedJobs(
  tx: OperatorTransaction,
): Promise<{ orgId: string; resourceClass: string; running: number }[]> {
  const rows = await tx
    .selectFrom('admitted_jobs')
    .select((eb) => ['org_id', 'resource_class', eb.fn.countAll<string | number>().as('running')])
    .groupBy(['org_id', 'resource_class'])
    .execute();
  return rows.map(({ org_id, resource_class, running }) => ({
    orgId: org_id,
    resourceClass: resource_class,
    running: Number(running),
  }));
}

/** Waits until no other transaction admits; nobody else does until this one ends. */
export async function lockAdmission(tx: OperatorTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('mad.admission', 0))`.execute(tx);
}

/** The server rolls the transaction back when it hears nothing for so long: a process that stops in the middle must not keep its locks. */
export async function limitIdleTime(tx: OperatorTransaction, { idleMs }: { readonly idleMs: number }): Promise<void> {
  await sql`select set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true)`.execute(tx);
}
