import { systemClock } from '../clock.ts';
import { isMadError, NotFoundError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import type { JobNews, JobPosition } from '../results/job-event.repository.ts';
import { EVERY } from '../signals/every.ts';
import { isTerminal } from './states.ts';

/** What lies behind a position. `isOver`: these events are the last. */
export interface TimelineNews extends JobNews {
  readonly isOver: boolean;
}

export interface TimelineHubOptions extends Pick<Platform, 'clock' | 'logger'> {
  readonly read: (after: readonly JobPosition[], limitPerJob: number) => Promise<readonly JobNews[]>;
  /** How often all that is waited for is looked at without a signal. */
  readonly pollMs: number;
}

/** Idle: looked at with the next poll. Soon: something changed. Now: nobody has looked yet. */
type Urgency = 0 | 1 | 2;
const IDLE = 0;
const SOON = 1;
const NOW = 2;

interface Waiter {
  readonly resolve: (news: TimelineNews | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Somebody waits for what lies behind a position of a job: all who wait at the same one are answered with the same rows. */
interface Demand extends JobPosition {
  readonly job: FollowedJob;
  readonly waiters: Set<Waiter>;
  urgency: Urgency;
}

interface FollowedJob {
  readonly jobId: string;
  readonly demands: Map<number, Demand>;
  followers: number;
  /** Rises with every signal. */
  version: number;
  /** Nothing lay behind this event when `version` was `headVersion`. */
  head: number;
  headVersion: number;
}

// Signals of a busy executor come by the thousand a second: what they say is gathered for so long.
const READ_EVERY_MS = 50;
const JOBS_A_READ = 1_000;
const ROWS_A_READ = 5_000;
const FEWEST_ROWS_A_JOB = 16;
const MOST_ROWS_A_JOB = 500;
// A database that restarts is back by then; what lasts longer is told to whoever follows.
const GIVE_UP_MS = 10_000;

/**
 * Reads the timelines of one organization's jobs for all who follow them in this process: everything that changed with one statement, one at a
 * time, at most twenty a second for signals, and all of it every `pollMs` in case a signal was lost. A follower is answered only when it asks, so
 * a slow one costs the others nothing and holds one answer at most; where it lags behind, its own position is read. Nobody waiting: no statement.
 */
export class TimelineHub {
  readonly #options: TimelineHubOptions;
  readonly #jobs = new Map<string, FollowedJob>();
  #demands = 0;
  #due: Urgency = IDLE;
  #wake = new AbortController();
  #isReading = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #failingSince: number | undefined;

  constructor(options: TimelineHubOptions) {
    this.#options = options;
  }

  get isUnused(): boolean {
    return this.#jobs.size === 0;
  }

  /** A signal: the job, or with `EVERY` each of them, has changed. */
  changed(jobId: string): void {
    const job = this.#jobs.get(jobId);
    for (const one of jobId === EVERY ? this.#jobs.values() : job ? [job] : []) {
      one.version++;
      for (const demand of one.demands.values()) this.#raise(demand, SOON);
    }
  }

  follow(jobId: string): TimelineFollower {
    const job = this.#jobs.get(jobId) ?? {
      jobId,
      demands: new Map(),
      followers: 0,
      version: 0,
      head: Number.POSITIVE_INFINITY,
      headVersion: -1,
    };
    this.#jobs.set(jobId, job);
    job.followers++;
    let isFirst = true;
    return {
      readAfter: (afterSeq, signal) => {
        const urgency = isFirst ? NOW : urgencyAt(job, afterSeq);
        isFirst = false;
        return this.#wait(job, { afterSeq, urgency, signal });
      },
      [Symbol.dispose]: () => {
        job.followers--;
        if (job.followers === 0) this.#jobs.delete(jobId);
      },
    };
  }

  #wait(
    job: FollowedJob,
    { afterSeq, urgency, signal }: { afterSeq: number; urgency: Urgency; signal: AbortSignal },
  ): Promise<TimelineNews | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const { promise, resolve, reject } = Promise.withResolvers<TimelineNews | undefined>();
    const waiter: Waiter = { resolve, reject };
    const demand = job.demands.get(afterSeq) ?? {
      job,
      jobId: job.jobId,
      afterSeq,
      waiters: new Set(),
      urgency: IDLE,
    };
    if (demand.waiters.size === 0) this.#demands++;
    job.demands.set(afterSeq, demand);
    demand.waiters.add(waiter);
    const leave = () => {
      demand.waiters.delete(waiter);
      if (demand.waiters.size === 0) this.#forget(demand);
      resolve(undefined);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#raise(demand, urgency);
    if (!this.#isReading) void this.#readOn();
    return promise.finally(() => signal.removeEventListener('abort', leave));
  }

  #raise(demand: Demand, urgency: Urgency): void {
    if (urgency > demand.urgency) demand.urgency = urgency;
    if (urgency <= this.#due) return;
    this.#due = urgency;
    this.#wake.abort();
  }

  #forget(demand: Demand): void {
    if (demand.job.demands.get(demand.afterSeq) !== demand) return;
    demand.job.demands.delete(demand.afterSeq);
    this.#demands--;
    // Nobody waits any more: neither does the loop, and a process that has nothing else to do may end.
    if (this.#demands === 0) this.#wake.abort();
  }

  /** Runs while somebody waits. */
  async #readOn(): Promise<void> {
    this.#isReading = true;
    this.#failingSince = undefined;
    let polledAt = performance.now();
    while (this.#demands > 0) {
      const now = performance.now();
      const restMs = { [IDLE]: polledAt + this.#options.pollMs, [SOON]: this.#readAt + READ_EVERY_MS, [NOW]: now };
      const waitMs = restMs[this.#due] - now;
      if (waitMs > 0 && !(await this.#sleep(waitMs))) continue;
      const isPoll = performance.now() >= polledAt + this.#options.pollMs || this.#due === IDLE;
      if (isPoll) polledAt = performance.now();
      await this.#read(this.#take(isPoll));
    }
    this.#isReading = false;
  }

  /** True when the time is over, false when something more urgent came up. */
  async #sleep(ms: number): Promise<boolean> {
    const { clock = systemClock } = this.#options;
    this.#wake = new AbortController();
    const { signal } = this.#wake;
    await clock.sleep(ms, signal).catch(() => {});
    return !signal.aborted;
  }

  #take(isPoll: boolean): readonly Demand[] {
    this.#due = IDLE;
    const taken: Demand[] = [];
    for (const job of this.#jobs.values()) {
      for (const demand of job.demands.values()) {
        if (demand.urgency > IDLE || isPoll) taken.push(demand);
        demand.urgency = IDLE;
      }
    }
    return taken;
  }

  async #read(taken: readonly Demand[]): Promise<void> {
    const limit = Math.min(Math.max(Math.floor(ROWS_A_READ / taken.length), FEWEST_ROWS_A_JOB), MOST_ROWS_A_JOB);
    for (let from = 0; from < taken.length; from += JOBS_A_READ) {
      const part = taken.slice(from, from + JOBS_A_READ);
      // A signal that comes from here on may be about something that this statement does not see.
      const versions = part.map(({ job }) => job.version);
      this.#readAt = performance.now();
      try {
        const found = await this.#options.read(part, limit);
        this.#failingSince = undefined;
        const news = new Map(found.map((one) => [keyOf(one), one]));
        for (const [index, demand] of part.entries()) {
          this.#answer(demand, { news: news.get(keyOf(demand)), limit, version: versions[index] ?? 0 });
        }
      } catch (error) {
        this.#fail(part, error);
      }
    }
  }

  #answer(
    demand: Demand,
    { news, limit, version }: { news: JobNews | undefined; limit: number; version: number },
  ): void {
    const { job, jobId, afterSeq } = demand;
    const isAll = !news || news.events.length < limit;
    const last = news?.events.at(-1)?.seq_no ?? afterSeq;
    if (isAll) Object.assign(job, { head: last, headVersion: version });
    else if (job.head <= last) job.head = Number.POSITIVE_INFINITY;
    if (!news) return;
    if (news.status === undefined) {
      this.#reject(demand, new NotFoundError({ entity: 'job', id: jobId }));
      return;
    }
    this.#forget(demand);
    const isOver = isAll && isTerminal(news.status);
    for (const { resolve } of demand.waiters) resolve({ ...news, isOver });
  }

  /** Those who wait go on waiting, to be looked at with the next poll, until the database has been away for too long. */
  #fail(part: readonly Demand[], error: unknown): void {
    const { logger = silentLogger } = this.#options;
    const now = performance.now();
    this.#failingSince ??= now;
    const isLasting = (isMadError(error) && !error.retryable) || now - this.#failingSince > GIVE_UP_MS;
    logger.warn({ err: error, jobs: part.length }, 'timelines that are followed could not be read');
    if (isLasting) for (const demand of part) this.#reject(demand, error);
  }

  #reject(demand: Demand, error: unknown): void {
    this.#forget(demand);
    for (const { reject } of demand.waiters) reject(error);
  }
}

/** One who follows a job. Disposing tells that it has gone. */
export interface TimelineFollower extends Disposable {
  /** Resolves once there is something behind the event or the job is over, with undefined as soon as the signal aborts. */
  readAfter(afterSeq: number, signal: AbortSignal): Promise<TimelineNews | undefined>;
}

function urgencyAt(job: FollowedJob, afterSeq: number): Urgency {
  if (afterSeq < job.head) return NOW;
  return job.version === job.headVersion ? IDLE : SOON;
}

const keyOf = ({ jobId, afterSeq }: JobPosition): string => `${jobId}/${afterSeq}`;
