import PQueue from 'p-queue';
import { systemClock } from '../clock.ts';
import { isMadError } from '../errors.ts';
import { tell } from '../executor/diagnostics.ts';
import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import { isAfter } from '../metadata/job-meta.repository.ts';
import { listMirroredJobs, type MirroredJob } from '../results/mirrored-job.repository.ts';
import { logRefused, type MirrorPlatform } from './mirror-job.ts';
import { nameJobs } from './name-jobs.ts';
import { writeMirrors } from './write-mirrors.ts';

/** Keeps the Metadata DB's mirror close behind jobs that change often. */
export interface Mirror extends AsyncDisposable {
  /** The job has this state now. */
  note(orgId: OrgId, job: MirroredJob): void;
  /** These jobs have changed; their rows will be read. */
  noteIds(orgId: OrgId, jobIds: readonly string[]): void;
  /** Writes without a pause until nothing waits, for `timeoutMs` at most; returns whether all was written. @default 5_000 */
  flush(options?: { readonly timeoutMs?: number | undefined }): Promise<boolean>;
}

export interface MirrorOptions {
  /** How long a change waits for others to go with it. @default 200 */
  readonly pauseMs?: number | undefined;
  /** Jobs in one statement. @default 1_000 */
  readonly batchSize?: number | undefined;
  /** Organizations written at a time, each on a connection to the Metadata DB. @default 4 */
  readonly concurrency?: number | undefined;
  /** Changed jobs kept while the Metadata DB is away; what comes beyond is left to recovery. @default 50_000 */
  readonly capacity?: number | undefined;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

/** Changed jobs of one organization; undefined where the row is to be read. */
type Noted = Map<string, MirroredJob | undefined>;

/**
 * A mirror that writes behind: for each organization one write at a time, and everything that has gathered meanwhile goes into the next, each job with
 * its newest state. A job that starts and ends within the pause costs one write. A write that fails is logged and tried again, with a pause
 * that grows to 10 s; nothing is ever thrown. Disposing writes what was noted, for 5 s at most; recovery repairs what a crash or the end
 * of that time leaves out.
 */
export function createMirror(platform: MirrorPlatform, options: MirrorOptions = {}): Mirror {
  return new WriteBehindMirror(platform, options);
}

class WriteBehindMirror implements Mirror {
  readonly #platform: MirrorPlatform;
  readonly #pauseMs: number;
  readonly #batchSize: number;
  readonly #capacity: number;
  readonly #slots: PQueue;
  readonly #noted = new Map<OrgId, Noted>();
  /** One writer an organization, for as long as it has something noted. */
  readonly #writers = new Map<OrgId, Promise<void>>();
  readonly #stop = new AbortController();
  #hurry = new AbortController();
  #flushes = 0;
  #size = 0;
  #overflowed = false;

  constructor(
    platform: MirrorPlatform,
    { pauseMs = 200, batchSize = 1_000, concurrency = 4, capacity = 50_000 }: MirrorOptions,
  ) {
    this.#platform = platform;
    this.#pauseMs = pauseMs;
    this.#batchSize = batchSize;
    this.#capacity = capacity;
    this.#slots = new PQueue({ concurrency });
  }

  note(orgId: OrgId, job: MirroredJob): void {
    this.#put(orgId, job.job_id, job);
  }

  noteIds(orgId: OrgId, jobIds: readonly string[]): void {
    for (const jobId of jobIds) this.#put(orgId, jobId, undefined);
  }

  async flush({ timeoutMs = 5_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<boolean> {
    const { clock = systemClock } = this.#platform;
    const done = new AbortController();
    this.#flushes++;
    this.#hurry.abort();
    const written = Promise.all(this.#writers.values()).then(() => true);
    const late = clock.sleep(timeoutMs, done.signal).then(
      () => false,
      () => false,
    );
    const result = await Promise.race([written, late]);
    done.abort();
    if (--this.#flushes === 0) this.#hurry = new AbortController();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const isWritten = await this.flush();
    this.#stop.abort();
    if (isWritten) return;
    const { logger = silentLogger } = this.#platform;
    logger.warn({ jobs: this.#size }, 'changed jobs were not mirrored in time; recovery repairs it');
  }

  #put(orgId: OrgId, jobId: string, job: MirroredJob | undefined): void {
    const noted = this.#noted.get(orgId) ?? new Map<string, MirroredJob | undefined>();
    const isNew = !noted.has(jobId);
    if (this.#stop.signal.aborted || (isNew && !this.#hasRoom(orgId, jobId))) return;
    this.#noted.set(orgId, noted);
    if (isNew) this.#size++;
    noted.set(jobId, isNew ? job : newer(noted.get(jobId), job));
    if (this.#writers.has(orgId)) return;
    this.#writers.set(orgId, this.#writeAll(orgId, noted));
  }

  #hasRoom(orgId: OrgId, jobId: string): boolean {
    const hasRoom = this.#size < this.#capacity;
    if (!hasRoom && !this.#overflowed)
      this.#platform.logger?.warn(
        { org_id: orgId, job_id: jobId, jobs: this.#size },
        'too many changed jobs wait for the metadata database; recovery mirrors the rest',
      );
    this.#overflowed = !hasRoom;
    return hasRoom;
  }

  /** Never rejects, and ends when nothing of the organization is noted. */
  async #writeAll(orgId: OrgId, noted: Noted): Promise<void> {
    const { clock = systemClock } = this.#platform;
    const stop = this.#stop.signal;
    let failures = 0;
    let isFull = false;
    while (noted.size > 0 && !stop.aborted) {
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS) * (1 - Math.random() / 4);
      if (failures > 0) await clock.sleep(retryMs, stop).catch(() => {});
      else if (!isFull) await clock.sleep(this.#pauseMs, AbortSignal.any([stop, this.#hurry.signal])).catch(() => {});
      const batch = new Map([...noted].slice(0, this.#batchSize));
      isFull = noted.size > batch.size;
      for (const jobId of batch.keys()) noted.delete(jobId);
      this.#size -= batch.size;
      const isDone = await this.#slots.add(() => this.#write(orgId, batch));
      failures = isDone ? 0 : failures + 1;
      if (!isDone) this.#putBack(noted, batch);
    }
    this.#writers.delete(orgId);
    this.#noted.delete(orgId);
  }

  #putBack(noted: Noted, batch: Noted): void {
    for (const [jobId, job] of batch) {
      if (!noted.has(jobId)) this.#size++;
      noted.set(jobId, noted.has(jobId) ? newer(noted.get(jobId), job) : job);
    }
  }

  /** False when it is to be tried again. */
  async #write(orgId: OrgId, batch: Noted): Promise<boolean> {
    const { metadata, results, logger = silentLogger } = this.#platform;
    try {
      const known = [...batch.values()].filter((job) => job !== undefined);
      const unread = [...batch].flatMap(([jobId, job]) => (job ? [] : [jobId]));
      const read = unread.length > 0 ? await listMirroredJobs(await results.get(orgId), { jobIds: unread }) : [];
      logRefused(logger, orgId, await writeMirrors(metadata, { orgId, jobs: [...known, ...read] }));
      tell('job.mirrored', { org_id: orgId, job_ids: [...batch.keys()] });
      return true;
    } catch (error) {
      const isFinal = isMadError(error) && !error.retryable;
      const then = isFinal ? 'recovery repairs it' : 'it is tried again';
      const facts = { err: error, ...nameJobs(orgId, [...batch.keys()]) };
      logger.warn(facts, `jobs could not be mirrored to the metadata database; ${then}`);
      return isFinal;
    }
  }
}

/** Of two states of one job the later one; a row that is yet to be read is later than any. */
function newer(one: MirroredJob | undefined, two: MirroredJob | undefined): MirroredJob | undefined {
  if (!one || !two) return undefined;
  return isAfter(pointOf(two), pointOf(one)) ? two : one;
}

const pointOf = ({ fence, last_event_seq }: MirroredJob) => ({ fence, event_no: last_event_seq });
