import { LeaseLostError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { JobSignal } from '../ports/signals.ts';
import type { MovedFollower } from '../results/followers.ts';
import { listCancelRequests } from '../results/renew-leases.ts';
import { EVERY } from '../signals/every.ts';
import type { ExecutorContext } from './executor-context.ts';
import { Flights } from './flights.ts';
import { gather } from './gather.ts';
import { JobReader } from './job-reader.ts';
import { JobRun } from './job-run.ts';
import { Journal } from './journal.ts';
import { type KeptLeases, keepLeases } from './keep-leases.ts';
import { SpecStore } from './spec-store.ts';

export type OrganizationOptions = Omit<ExecutorContext, 'journal' | 'specs' | 'flights'> & {
  /** Their timelines grew. */
  readonly onChanged: (jobIds: readonly string[]) => void;
  /** Jobs that waited for an equal one, which has ended. */
  readonly onFollowers: (followers: readonly MovedFollower[]) => void;
  /** Jobs of the organization that will probably be run here next, so many at most. */
  readonly upcoming: (count: number) => readonly string[];
};

/** The jobs of one organization that run here, with the journal, the specs and the leases they share. */
export class OrganizationRuns implements Disposable {
  readonly orgId: OrgId;
  readonly journal: Journal;
  readonly runs = new Map<string, JobRun>();
  readonly #context: ExecutorContext;
  readonly #reader: JobReader;
  readonly #isCancelAsked: (jobId: string) => Promise<boolean | undefined>;
  readonly #leases: KeptLeases;
  readonly #flights: Flights;
  /** Jobs whose rows are being read. */
  #asked = 0;

  constructor({ onChanged, onFollowers, upcoming, ...shared }: OrganizationOptions) {
    const { orgId, results, cache, holder, leaseMs, logger } = shared;
    this.orgId = orgId;
    this.journal = new Journal({
      orgId,
      results,
      cache,
      holder,
      leaseMs,
      onFollowers,
      onCommitted: (moved) => {
        for (const row of moved) if (row.cancel_requested) this.runs.get(row.job_id)?.cancel();
        onChanged(moved.map((row) => row.job_id));
      },
    });
    this.#flights = new Flights({ orgId, results, holder, leaseMs, logger });
    this.#context = { ...shared, journal: this.journal, specs: new SpecStore(results), flights: this.#flights };
    this.#reader = new JobReader({ results, upcoming });
    this.#isCancelAsked = gather(
      async (jobIds) => new Map((await listCancelRequests(results, { jobIds })).map((jobId) => [jobId, true])),
    );
    this.#leases = keepLeases({ orgId, results, runs: this.runs, flights: this.#flights, leaseMs, logger });
  }

  get isIdle(): boolean {
    return this.#asked === 0 && this.runs.size === 0 && this.journal.isIdle;
  }

  /** Runs the job to its end, unless it is over, not due, or another executor holds it. Returns whether it was run. */
  async run(jobId: string, { isAgain = false } = {}): Promise<boolean> {
    this.#asked++;
    const job = await this.#reader.find(jobId).finally(() => this.#asked--);
    if (!job || this.runs.has(jobId)) return false;
    const run = new JobRun(this.#context, job);
    this.runs.set(jobId, run);
    this.journal.running = this.runs.size;
    try {
      await run.run();
      return true;
    } catch (error) {
      // It changed after it was read: what it is now tells whether it is to be run.
      if (isAgain || run.isHeld || !(error instanceof LeaseLostError)) throw error;
    } finally {
      this.runs.delete(jobId);
      this.journal.running = this.runs.size;
    }
    return this.run(jobId, { isAgain: true });
  }

  /** Somebody wants the job to end; of `EVERY` job it is not known which. Where the word comes from outside, the job's row decides. */
  cancel({ jobId, isForeign = false }: Pick<JobSignal, 'jobId' | 'isForeign'>): void {
    if (jobId === EVERY) void this.#leases.look();
    else if (!isForeign) this.runs.get(jobId)?.cancel();
    else if (this.runs.has(jobId)) void this.#cancelIfAsked(jobId);
  }

  async #cancelIfAsked(jobId: string): Promise<void> {
    // Where the database does not answer, the look once a second finds it.
    const isAsked = await this.#isCancelAsked(jobId).catch(() => false);
    if (isAsked) this.runs.get(jobId)?.cancel();
  }

  [Symbol.dispose](): void {
    this.#leases[Symbol.dispose]();
    this.#flights[Symbol.dispose]();
  }
}
