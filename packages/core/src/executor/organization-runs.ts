import { type JobToRun, listJobsToRun } from '../results/job-to-run.ts';
import { EVERY } from '../signals/every.ts';
import type { ExecutorContext } from './executor-context.ts';
import { gather } from './gather.ts';
import { JobRun } from './job-run.ts';
import { Journal } from './journal.ts';
import { type KeptLeases, keepLeases } from './keep-leases.ts';
import { SpecStore } from './spec-store.ts';

export type OrganizationOptions = Omit<ExecutorContext, 'journal' | 'specs'> & {
  /** Their timelines grew. */
  readonly onChanged: (jobIds: readonly string[]) => void;
};

/** The jobs of one organization that run here, with the journal, the specs and the leases they share. */
export class OrganizationRuns implements Disposable {
  readonly journal: Journal;
  readonly runs = new Map<string, JobRun>();
  readonly #context: ExecutorContext;
  readonly #find: (jobId: string) => Promise<JobToRun | undefined>;
  readonly #leases: KeptLeases;
  /** Jobs whose rows are being read. */
  #asked = 0;

  constructor({ onChanged, ...shared }: OrganizationOptions) {
    const { orgId, results, holder, leaseMs, logger } = shared;
    this.journal = new Journal({
      orgId,
      results,
      holder,
      leaseMs,
      onCommitted: (moved) => {
        for (const row of moved) if (row.cancel_requested) this.runs.get(row.job_id)?.cancel();
        onChanged(moved.map((row) => row.job_id));
      },
    });
    this.#context = { ...shared, journal: this.journal, specs: new SpecStore(results) };
    this.#find = gather(async (jobIds) => {
      const jobs = await listJobsToRun(results, { jobIds });
      return new Map(jobs.map((job) => [job.job_id, job]));
    });
    this.#leases = keepLeases({ orgId, results, runs: this.runs, leaseMs, logger });
  }

  get isIdle(): boolean {
    return this.#asked === 0 && this.runs.size === 0 && this.journal.isIdle;
  }

  /** Runs the job to its end, unless it is over, not due, or another executor holds it. Returns whether it was run. */
  async run(jobId: string): Promise<boolean> {
    this.#asked++;
    const job = await this.#find(jobId).finally(() => this.#asked--);
    if (!job || this.runs.has(jobId)) return false;
    const run = new JobRun(this.#context, job);
    this.runs.set(jobId, run);
    this.journal.running = this.runs.size;
    try {
      await run.run();
      return true;
    } finally {
      this.runs.delete(jobId);
      this.journal.running = this.runs.size;
    }
  }

  /** Somebody wants the job to end; of `EVERY` job it is not known which. */
  cancel(jobId: string): void {
    if (jobId === EVERY) void this.#leases.look();
    else this.runs.get(jobId)?.cancel();
  }

  [Symbol.dispose](): void {
    this.#leases[Symbol.dispose]();
  }
}
