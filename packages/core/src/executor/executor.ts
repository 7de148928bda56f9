import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.ts';
import { ExecutorStoppedError, isMadError, LeaseLostError } from '../errors.ts';
import { isUuid, newId, type OrgId } from '../ids.ts';
import { announceFollowers } from '../job/announce-followers.ts';
import { createMirror, type Mirror } from '../job/create-mirror.ts';
import { silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import type { JobMessage, QueueDepth } from '../ports/job-queue.ts';
import type { MovedFollower } from '../results/followers.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { EVERY } from '../signals/every.ts';
import { signalsOf } from '../signals/signals-of.ts';
import { ExecutorStopping } from './job-ending.ts';
import { type KeepSchedules, keepSchedules } from './keep-schedules.ts';
import { OrganizationRuns } from './organization-runs.ts';
import { recoverJobs } from './recover.ts';

export interface ExecutorOptions {
  /** Jobs at a time. @default 4 */
  readonly concurrency?: number;
  /** Steps of one job at a time. @default 8 */
  readonly stepConcurrency?: number;
  /** How long a job stays with this executor without a sign of life. @default 30_000 */
  readonly leaseMs?: number;
  /** A job whose executor was lost more often than this FAILS with `WORKER_LOST`. @default 5 */
  readonly maxCrashes?: number;
  /** How often jobs that no executor holds are looked for. @default leaseMs: then a job waits hardly longer than the lease of an executor that died */
  readonly recoverEveryMs?: number;
  /** How long running calls may still end when the executor stops, before they are aborted. @default 5_000 */
  readonly stopGraceMs?: number;
  /** How recurring jobs are submitted; false: another process does it. @default every 2 s, as the user who created the schedule */
  readonly schedules?: KeepSchedules | false;
}

/** What an executor runs of one organization right now. */
export interface RunningJobs {
  readonly orgId: OrgId;
  readonly jobs: number;
  /** Those of the jobs whose lease is held, each with its fence; the others are being claimed. */
  readonly leases: readonly { readonly jobId: string; readonly fence: number }[];
  /** Of the last batches, 256 at most: how many there were, and how many jobs they wrote together; null where nothing was written. */
  readonly flushes: { readonly count: number; readonly median: number; readonly max: number } | null;
}

/** What an executor does right now. */
export interface ExecutorStatus {
  /** Names this executor on the rows it writes: host, process, instance. */
  readonly holder: string;
  /** What runs here, by organization; one of which nothing runs any more is dropped within two minutes. */
  readonly running: readonly RunningJobs[];
  /** What waits and runs in the queue, for all executors that share it. */
  readonly queue: readonly QueueDepth[];
}

/** A mirror may be late, and a job that starts and ends within this costs one write. */
const MIRROR_PAUSE_MS = 500;
/** After the grace: time to end aborted calls and to give leases back. */
const LEFT_BEHIND_MS = 30_000;
/** How long what an organization's jobs share is kept after its last one. */
const KEPT_IDLE_MS = 60_000;

/**
 * Runs jobs. A job is PENDING until an executor claims its lease; the lease's fence rises with every claim, and every write of a run carries the
 * fence, so a run that lost its lease changes nothing more. RUNNING ends in COMPLETED when every step is settled, in FAILED when a step's last
 * attempt failed whose failure is the job's, or time ran out, in CANCELED when that was asked for. When the process dies the lease runs out, and the
 * next claim goes on behind the last committed step. Stopping lets running calls end for a while, then gives leases back: those jobs are PENDING
 * again, and calls that were cut off are repeated under their own key.
 */
export class Executor implements AsyncDisposable {
  readonly #platform: Platform;
  readonly #options: Required<ExecutorOptions>;
  readonly #holder = `${hostname()}/${process.pid}/${newId()}`;
  readonly #stop = new AbortController();
  /** By their Results DB: one that was moved begins anew there, and what ran on the place before ends by itself. */
  readonly #organizations = new Map<ResultsDatabase, OrganizationRuns>();
  readonly #mirror: Mirror;
  #consumer: AsyncDisposable | undefined;
  #recovery: Promise<void> | undefined;
  #schedules: Promise<void> | undefined;
  #cancels: Disposable | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(platform: Platform, options: ExecutorOptions = {}) {
    this.#platform = platform;
    this.#options = {
      concurrency: 4,
      stepConcurrency: 8,
      leaseMs: 30_000,
      maxCrashes: 5,
      recoverEveryMs: options.leaseMs ?? 30_000,
      stopGraceMs: 5_000,
      schedules: {},
      ...options,
    };
    this.#mirror = createMirror(platform, { pauseMs: MIRROR_PAUSE_MS });
  }

  /**
   * Takes jobs from the queue from now on, and those that an earlier executor left behind.
   * @throws {ExecutorStoppedError} when it was disposed.
   */
  start(): void {
    if (this.#stop.signal.aborted) throw new ExecutorStoppedError();
    if (this.#consumer) return;
    const { concurrency, recoverEveryMs, schedules } = this.#options;
    const { signal } = this.#stop;
    this.#cancels = signalsOf(this.#platform).subscribe('job.cancel', (signal) => {
      for (const organization of this.#organizations.values()) {
        if (signal.orgId === EVERY) organization.cancel({ jobId: EVERY });
        else if (signal.orgId === organization.orgId) organization.cancel(signal);
      }
    });
    this.#consumer = this.#platform.queue.consume({ concurrency, handler: (message) => this.#run(message) });
    this.#recovery = recoverJobs(this.#platform, { everyMs: recoverEveryMs, signal });
    if (schedules) this.#schedules = keepSchedules(this.#platform, { ...schedules, signal });
    this.#sweep = setInterval(() => this.#sweepIdle(), KEPT_IDLE_MS);
    this.#sweep.unref();
  }

  async status(): Promise<ExecutorStatus> {
    const running = [...this.#organizations.values()].map(({ orgId, runs, journal }) => ({
      orgId,
      jobs: runs.size,
      leases: [...runs.values()].filter((run) => run.isHeld).map(({ jobId, fence }) => ({ jobId, fence })),
      flushes: summarize(journal.flushSizes),
    }));
    return { holder: this.#holder, running, queue: await this.#platform.queue.depth() };
  }

  /** Stops within `stopGraceMs` and some seconds, and resolves when nothing of this executor is left. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    this.#stop.abort(new ExecutorStopping());
    clearInterval(this.#sweep);
    const drained = this.#consumer?.[Symbol.asyncDispose]();
    for (const run of this.#runs()) run.drain();
    const grace = setTimeout(() => {
      for (const run of this.#runs()) run.release();
    }, this.#options.stopGraceMs);
    // What hangs in a database that does not answer is not waited for.
    await Promise.race([drained, sleep(this.#options.stopGraceMs + LEFT_BEHIND_MS, undefined, { ref: false })]);
    clearTimeout(grace);
    this.#cancels?.[Symbol.dispose]();
    await Promise.all([this.#recovery, this.#schedules]);
    for (const organization of this.#organizations.values()) organization[Symbol.dispose]();
    await this.#mirror[Symbol.asyncDispose]();
  }

  /** @throws what broke the run off: the message is delivered again. */
  async #run({ orgId, jobId }: JobMessage): Promise<void> {
    const { logger = silentLogger } = this.#platform;
    if (!isUuid(orgId) || !isUuid(jobId))
      return logger.warn({ org_id: orgId, job_id: jobId }, 'the queue delivered what is no job; it is dropped');
    let organization: OrganizationRuns | undefined;
    try {
      this.#stop.signal.throwIfAborted();
      organization = await this.#provide(orgId);
      await organization.run(jobId);
    } catch (error) {
      if (!organization && isMadError(error) && !error.retryable)
        return logger.warn(
          { err: error, org_id: orgId, job_id: jobId },
          'the organization of a job has no results database to run it in; recovery queues the job again when it has',
        );
      if (error instanceof LeaseLostError)
        return logger.warn(
          { org_id: orgId, job_id: jobId },
          'the lease of a job went to another executor, which goes on with it',
        );
      if (!this.#stop.signal.aborted)
        logger.error(
          { err: error, org_id: orgId, job_id: jobId },
          'a job was broken off; it goes on later behind its last commit',
        );
      throw error;
    } finally {
      if (organization) this.#mirror.noteIds(orgId, [jobId]);
    }
  }

  async #provide(orgId: OrgId): Promise<OrganizationRuns> {
    const results = await this.#platform.results.get(orgId);
    const known = this.#organizations.get(results);
    if (known) return known;
    const { tasks, cache, clock = systemClock, logger = silentLogger } = this.#platform;
    const signals = signalsOf(this.#platform);
    const created = new OrganizationRuns({
      ...{ orgId, results, tasks, cache, clock, logger, holder: this.#holder },
      ...this.#options,
      onChanged: (jobIds) =>
        signals.publish(
          'job.changed',
          jobIds.map((jobId) => ({ orgId, jobId })),
        ),
      upcoming: (count) => this.#platform.queue.upcoming?.(orgId, count) ?? [],
      onFollowers: (followers) => this.#goOn(orgId, followers),
      onClaimed: (jobId) => this.#mirror.noteIds(orgId, [jobId]),
    });
    this.#organizations.set(results, created);
    return created;
  }

  #goOn(orgId: OrgId, followers: readonly MovedFollower[]): void {
    this.#mirror.noteIds(
      orgId,
      followers.map(({ job_id }) => job_id),
    );
    void announceFollowers(this.#platform, { orgId, followers });
  }

  *#runs() {
    for (const { runs } of this.#organizations.values()) yield* runs.values();
  }

  #sweepIdle(): void {
    for (const [results, organization] of this.#organizations) {
      if (!organization.isIdle) continue;
      organization[Symbol.dispose]();
      this.#organizations.delete(results);
    }
  }
}

function summarize(sizes: readonly number[]): RunningJobs['flushes'] {
  const sorted = sizes.toSorted((a, b) => a - b);
  const max = sorted.at(-1);
  if (max === undefined) return null;
  return { count: sorted.length, median: sorted[sorted.length >> 1] ?? max, max };
}
