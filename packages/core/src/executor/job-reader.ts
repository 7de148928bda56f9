import { type JobToRun, listJobsToRun } from '../results/job-to-run.ts';
import { takeNewJob } from '../results/new-jobs.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { gather } from './gather.ts';

export interface JobReaderOptions {
  readonly results: ResultsDatabase;
  /** The jobs that will probably be asked for next, so many at most. */
  readonly upcoming: (count: number) => readonly string[];
}

/** A job as it was read `readAt`, by `performance.now()`. */
interface Read {
  readonly job: JobToRun;
  readonly readAt: number;
}

/** What was read longer ago is read anew. */
const FRESH_MS = 1_000;
const MOST_AHEAD = 64;

/**
 * Reads the rows of jobs that are about to run, as many as possible in one statement. While jobs come fast it also reads those that come next: then a
 * job starts without a way to the database of its own, and with those that start at the same moment. That gave a fifth more jobs a second
 * of three steps that do nothing. A job that was submitted alone in this process a moment ago is not read at all. What is read ahead may have
 * changed since; the claim's fence tells.
 */
export class JobReader {
  readonly #results: ResultsDatabase;
  readonly #ahead = new Map<string, Read>();
  readonly #load: (jobId: string) => Promise<JobToRun | undefined>;
  #loadedAt = -Infinity;
  /** Jobs asked for since then. */
  #asked = 0;

  constructor({ results, upcoming }: JobReaderOptions) {
    this.#results = results;
    this.#load = gather(async (jobIds) => {
      const ids = new Set([...jobIds, ...upcoming(this.#countAhead())]);
      const jobs = await listJobsToRun(results, { jobIds: [...ids] });
      const readAt = performance.now();
      for (const [jobId, read] of this.#ahead) if (!isFresh(read)) this.#ahead.delete(jobId);
      for (const job of jobs) this.#ahead.set(job.job_id, { job, readAt });
      return new Map(jobIds.map((jobId) => [jobId, this.#take(jobId)]));
    });
  }

  /** The job as it was at most a second ago; undefined when it may not be claimed. */
  async find(jobId: string): Promise<JobToRun | undefined> {
    this.#asked++;
    return this.#take(jobId) ?? (await this.#load(jobId));
  }

  #take(jobId: string): JobToRun | undefined {
    const read = this.#ahead.get(jobId) ?? takeNewJob(this.#results, { jobId });
    this.#ahead.delete(jobId);
    return read && isFresh(read) ? aged(read) : undefined;
  }

  #countAhead(): number {
    const now = performance.now();
    const count = now - this.#loadedAt < FRESH_MS ? Math.min(this.#asked, MOST_AHEAD) : 0;
    this.#loadedAt = now;
    this.#asked = 0;
    return count;
  }
}

function isFresh({ readAt }: Read): boolean {
  return performance.now() - readAt < FRESH_MS;
}

function aged({ job, readAt }: Read): JobToRun {
  const ageMs = performance.now() - readAt;
  return {
    ...job,
    deadline_in_ms: job.deadline_in_ms === null ? null : job.deadline_in_ms - ageMs,
    started_ms_ago: job.started_ms_ago === 0 ? 0 : job.started_ms_ago + ageMs,
  };
}
