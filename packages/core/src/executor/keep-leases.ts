import { LeaseLostError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import { nameJobs } from '../job/name-jobs.ts';
import type { Logger } from '../logger.ts';
import { listCancelRequests, renewJobLeases } from '../results/renew-leases.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { tell } from './diagnostics.ts';
import type { Flights } from './flights.ts';
import type { JobRun } from './job-run.ts';

export interface KeepLeases {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  /** The runs whose leases are kept, by job id; read anew each time. */
  readonly runs: ReadonlyMap<string, JobRun>;
  /** Renewed with the leases. */
  readonly flights: Flights;
  readonly leaseMs: number;
  readonly logger: Logger;
}

export interface KeptLeases extends Disposable {
  /** Looks at once, as after signals were lost. */
  look(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Keeps the leases of one organization's runs: all renewed with one statement three times in a lease's life. In between it looks once a second for
 * cancels whose signal was lost. A run whose lease is lost is dropped, and so are all when the database stays away for longer than the lease.
 */
export function keepLeases({ orgId, results, runs, flights, leaseMs, logger }: KeepLeases): KeptLeases {
  const everyMs = Math.min(leaseMs / 3, LOOK_EVERY_MS);
  let renewAt = performance.now() + leaseMs / 3;
  let answeredAt = performance.now();
  let busy = false;

  async function look(): Promise<void> {
    if (busy) return;
    const held = [...runs.values()].filter((run) => run.isHeld);
    if (held.length === 0) {
      answeredAt = performance.now();
      return;
    }
    busy = true;
    try {
      if (performance.now() >= renewAt) await renew(held);
      else
        for (const jobId of await listCancelRequests(results, { jobIds: held.map((run) => run.jobId) }))
          runs.get(jobId)?.cancel();
      answeredAt = performance.now();
    } catch (error) {
      const jobIds = held.map(({ jobId }) => jobId);
      logger.warn({ err: error, ...nameJobs(orgId, jobIds) }, 'leases could not be renewed; it is tried again');
      if (performance.now() - answeredAt > leaseMs) for (const run of held) run.drop(error);
    } finally {
      busy = false;
    }
  }

  async function renew(held: readonly JobRun[]): Promise<void> {
    const jobs = held.map(({ jobId, fence }) => ({ jobId, fence }));
    await flights.renew();
    const leases = new Map((await renewJobLeases(results, { jobs, leaseMs })).map((row) => [row.job_id, row]));
    let missed = false;
    for (const [index, run] of held.entries()) {
      const lease = leases.get(run.jobId);
      // A commit of the run was under way: asked again with the next look. A run that has closed meanwhile has lost nothing.
      if (lease?.held && !lease.renewed) missed = true;
      if (lease?.cancel_requested) run.cancel();
      if (!lease?.held && runs.get(run.jobId) === run)
        run.drop(new LeaseLostError({ jobId: run.jobId, fence: jobs[index]?.fence ?? 0 }));
    }
    if (!missed) renewAt = performance.now() + leaseMs / 3;
    tell('lease.renewed', { org_id: orgId, job_ids: held.map(({ jobId }) => jobId) });
  }

  const timer = setInterval(() => void look(), everyMs);
  return { look, [Symbol.dispose]: () => clearInterval(timer) };
}
