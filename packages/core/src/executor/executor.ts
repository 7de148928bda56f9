import { hostname } from 'node:os';
import { newId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import type { JobMessage } from '../ports/job-queue.ts';
import { recoverJobs } from './recover.ts';
import { runJob } from './run-job.ts';

export interface ExecutorOptions {
  /** Jobs at a time. @default 4 */
  readonly concurrency?: number;
  /** Steps of one job at a time. @default 8 */
  readonly stepConcurrency?: number;
  /** How long a job stays with this executor without a sign of life. @default 30_000 */
  readonly leaseMs?: number;
  /** A job whose executor was lost more often than this FAILS with `WORKER_LOST`. @default 5 */
  readonly maxCrashes?: number;
  /** How often jobs that no executor holds are looked for. @default 30_000 */
  readonly recoverEveryMs?: number;
}

/**
 * Runs jobs. A job is PENDING until an executor claims its lease; the lease's fence rises with every claim, and every write of a run carries the
 * fence, so a run that lost its lease changes nothing more. RUNNING ends in COMPLETED when every step has a committed output, in FAILED when
 * a step's last attempt failed, in CANCELED when that was asked for. When the process dies the lease runs out, and the next claim goes on
 * behind the last committed step. Stopping gives leases back: those jobs are PENDING again, and calls in flight are repeated under their own key.
 */
export class Executor implements AsyncDisposable {
  readonly #platform: Platform;
  readonly #options: Required<ExecutorOptions>;
  readonly #holder = `${hostname()}/${process.pid}/${newId()}`;
  readonly #stop = new AbortController();
  #consumer: AsyncDisposable | undefined;
  #recovery: Promise<void> | undefined;

  constructor(platform: Platform, options: ExecutorOptions = {}) {
    this.#platform = platform;
    this.#options = {
      concurrency: 4,
      stepConcurrency: 8,
      leaseMs: 30_000,
      maxCrashes: 5,
      recoverEveryMs: 30_000,
      ...options,
    };
  }

  /** Takes jobs from the queue from now on, and those that an earlier executor left behind. */
  start(): void {
    if (this.#consumer) return;
    this.#consumer = this.#platform.queue.consume({
      concurrency: this.#options.concurrency,
      handler: (message) => this.#run(message),
    });
    this.#recovery = recoverJobs(this.#platform, { everyMs: this.#options.recoverEveryMs, signal: this.#stop.signal });
  }

  /** Stops what runs, gives the leases back and resolves when nothing of this executor is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException('the executor is stopping', 'AbortError'));
    await this.#consumer?.[Symbol.asyncDispose]();
    await this.#recovery;
  }

  async #run(message: JobMessage): Promise<void> {
    const { logger = silentLogger } = this.#platform;
    try {
      await runJob(this.#platform, message, { ...this.#options, holder: this.#holder, signal: this.#stop.signal });
    } catch (error) {
      logger.error(
        { err: error, org_id: message.orgId, job_id: message.jobId },
        'a job stopped without an end; it goes on when its lease has run out',
      );
    }
  }
}
