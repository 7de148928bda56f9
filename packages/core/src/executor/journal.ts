import { LeaseLostError, TaskFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { NewCacheEntry, ResultCache } from '../ports/result-cache.ts';
import { findSqlState, SQLSTATE } from '../postgres/sqlstate.ts';
import { endCacheFlights, type HeldCacheFlight } from '../results/cache-flight.repository.ts';
import { commitTransitions, mergeRows, type TransitionRows, toTransitionRows } from '../results/commit-transitions.ts';
import { closeFollowers, type LedJob, type MovedFollower } from '../results/followers.ts';
import type { JobTransition, MovedJob } from '../results/job-transition.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { tell } from './diagnostics.ts';

/** What else belongs to the commit of a transition. */
export interface AlsoCommit {
  /** What the cache remembers of it. */
  readonly entries: readonly NewCacheEntry[];
  /** They end with it. */
  readonly flights: readonly HeldCacheFlight[];
  /** The job ends, and others may wait for it. */
  readonly led: LedJob | undefined;
}

export interface JournalOptions {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly cache: ResultCache | undefined;
  /** Names the executor on the rows it writes. */
  readonly holder: string;
  /** For how long a claim holds. */
  readonly leaseMs: number;
  /** How many batches may be under way at once. @default 2 */
  readonly lanes?: number;
  readonly onCommitted: (moved: readonly MovedJob[]) => void;
  /** Jobs that waited for one that has ended: closed with its result, or to be run now. */
  readonly onFollowers: (followers: readonly MovedFollower[]) => void;
}

/** What waits to be written for one job. */
interface Entry {
  readonly jobId: string;
  readonly transitions: TransitionRows[];
  size: number;
  readonly also: AlsoCommit[];
  readonly waiters: PromiseWithResolvers<MovedJob>[];
}

const SIZES_KEPT = 256;
/** A batch takes no more characters of results than this, or one more job. */
const BATCH_SIZE = 16_000_000;
/** How often a batch is sent again that the database chose as the victim of a deadlock. */
const MAX_REPEATS = 5;

/**
 * Commits the transitions of all jobs of one organization. What falls together is committed together: while a lane's batch is under way the next
 * gathers, and it leaves as soon as a lane is idle. No timer: waiting 2 ms for a fuller batch cost a quarter of the throughput. A batch takes at
 * most its lane's share of the running jobs, or one lane would take all and the others idle (two lanes gave 1.3–1.5 times one).
 *
 * Transitions of one job keep their order: while one is under way the job's next ones wait and become one. When a commit fails, so does all that
 * waits behind it for the same job: it was planned on what was not written.
 */
export class Journal {
  readonly #options: Required<JournalOptions>;
  readonly #waiting = new Map<string, Entry>();
  readonly #inFlight = new Set<string>();
  readonly #sizes: number[] = [];
  #busy = 0;
  #planned = false;
  /** Jobs that run: half of them, with two lanes, is the most that a batch takes. */
  running = 0;

  constructor(options: JournalOptions) {
    this.#options = { lanes: 2, ...options };
  }

  /** True when nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#busy === 0 && this.#waiting.size === 0;
  }

  /** Transitions of each of the last batches. */
  get flushSizes(): readonly number[] {
    return this.#sizes;
  }

  /**
   * Resolves when the transition is committed.
   * @throws {LeaseLostError} when its fence does not hold the job (any more); nothing was written.
   * @throws {TaskFailedError} when it holds what cannot be stored.
   */
  async commit(transition: JobTransition, also?: AlsoCommit | undefined): Promise<MovedJob> {
    const waiter = Promise.withResolvers<MovedJob>();
    const { jobId } = transition;
    const rows = toRows(transition);
    const entry = this.#waiting.get(jobId) ?? { jobId, transitions: [], size: 0, also: [], waiters: [] };
    entry.transitions.push(rows);
    entry.size += rows.size;
    if (also && (also.entries.length > 0 || also.flights.length > 0 || also.led)) entry.also.push(also);
    entry.waiters.push(waiter);
    this.#waiting.set(jobId, entry);
    this.#plan();
    return waiter.promise;
  }

  /** After the callbacks of this turn of the event loop: answers that arrived together leave together. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#fill();
    });
  }

  #fill(): void {
    while (this.#busy < this.#options.lanes) {
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#busy++;
      void this.#write(batch).finally(() => {
        for (const { jobId } of batch) this.#inFlight.delete(jobId);
        this.#busy--;
        this.#plan();
      });
    }
  }

  #take(): Entry[] {
    const limit = Math.max(1, Math.ceil(this.running / this.#options.lanes));
    const batch: Entry[] = [];
    let size = 0;
    for (const [jobId, entry] of this.#waiting) {
      if (batch.length >= limit || size > BATCH_SIZE) break;
      if (this.#inFlight.has(jobId)) continue;
      size += entry.size;
      this.#waiting.delete(jobId);
      this.#inFlight.add(jobId);
      batch.push(entry);
    }
    return batch;
  }

  async #write(batch: readonly Entry[], repeats = 0): Promise<void> {
    this.#sizes.push(batch.length);
    if (this.#sizes.length > SIZES_KEPT) this.#sizes.shift();
    try {
      this.#settle(batch, await this.#send(batch));
    } catch (error) {
      // One transition that the database refuses must not fail the others.
      if (isVictim(error) && repeats < MAX_REPEATS) await this.#write(batch, repeats + 1);
      else if (batch.length > 1 && isRefusal(error)) for (const entry of batch) await this.#write([entry]);
      else this.#fail(batch, error);
    }
  }

  async #send(batch: readonly Entry[]): Promise<readonly MovedJob[]> {
    const { orgId, results, holder, leaseMs } = this.#options;
    const jobs = batch.map((entry) => mergeRows(entry.transitions));
    const also = batch.flatMap((entry) => entry.also.map((one) => ({ ...one, jobId: entry.jobId })));
    const facts = { org_id: orgId, job_ids: batch.map(({ jobId }) => jobId) };
    const sentAt = performance.now();
    if (also.length === 0) {
      const sent = commitTransitions(results, { holder, leaseMs, jobs });
      tell('commit.sent', facts);
      const moved = await sent;
      tell('committed', { ...facts, elapsed_ms: performance.now() - sentAt });
      return moved;
    }
    const { moved, followers } = await results.transaction().execute(async (tx) => {
      const moved = await commitTransitions(tx, { holder, leaseMs, jobs });
      const held = new Set(moved.map(({ job_id }) => job_id));
      const written = also.filter(({ jobId }) => held.has(jobId));
      // One order for all batches, or two could wait for each other's rows: jobs, entries, flights, each by their keys.
      const entries = written.flatMap(({ entries }) => entries);
      if (entries.length > 0) await this.#options.cache?.record(tx, { orgId, entries });
      await endCacheFlights(tx, { flights: written.flatMap(({ flights }) => flights) });
      const followers = await closeFollowers(tx, { led: written.flatMap(({ led }) => led ?? []) });
      tell('cache.recorded', facts);
      return { moved, followers };
    });
    tell('committed', { ...facts, elapsed_ms: performance.now() - sentAt });
    this.#options.onFollowers(followers);
    return moved;
  }

  #settle(batch: readonly Entry[], moved: readonly MovedJob[]): void {
    const byId = new Map(moved.map((row) => [row.job_id, row]));
    this.#options.onCommitted(moved);
    for (const entry of batch) {
      const row = byId.get(entry.jobId);
      if (row) for (const waiter of entry.waiters) waiter.resolve(row);
      else this.#fail([entry], new LeaseLostError({ jobId: entry.jobId, fence: entry.transitions[0]?.fence ?? 0 }));
    }
  }

  #fail(batch: readonly Entry[], cause: unknown): void {
    const error = isRefusal(cause) ? toRefused(cause) : cause;
    for (const { jobId, waiters } of batch) {
      const behind = this.#waiting.get(jobId);
      this.#waiting.delete(jobId);
      for (const waiter of [...waiters, ...(behind?.waiters ?? [])]) waiter.reject(error);
    }
  }
}

/** Written out at once, job by job: what cannot be is its own job's failure, and what its maker changes later changes nothing. */
function toRows(transition: JobTransition): TransitionRows {
  try {
    return toTransitionRows(transition);
  } catch (cause) {
    throw toRefused(cause);
  }
}

/** A deadlock or a serialization failure: nothing was written, and the same batch may go through now. */
function isVictim(error: unknown): boolean {
  return ['40P01', SQLSTATE.serializationFailure].includes(findSqlState(error) ?? '');
}

/** Classes 22, 23 and 54: the data itself is not taken, now or later. */
function isRefusal(error: unknown): boolean {
  return error instanceof RangeError || /^(2[23]|54)/.test(findSqlState(error) ?? '');
}

function toRefused(cause: unknown): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'INTERNAL_ERROR',
    message: 'the database refused what the step gave; the log of the executor names the cause',
    retryable: false,
    cause,
  });
}
