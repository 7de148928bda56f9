import type { Client } from 'pg';
import { flushStatement } from './flush-statement.ts';
import { FlushValues } from './flush-values.ts';
import type { FloorJob, Transition } from './transition.ts';

export interface GroupCommitOptions {
  readonly lanes: readonly Client[];
  readonly schema: string;
  /** Jobs in one flush at most. */
  readonly batch: number;
}

/**
 * Commits transitions of many jobs together. A lane that is idle takes what waits, at once and without a timer; a job is in one lane at a time.
 */
export class GroupCommit {
  readonly #idle: Client[];
  readonly #options: GroupCommitOptions;
  readonly #text: string;
  /** Job → what waits to be committed for it. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #flushing = new Set<string>();
  #isScheduled = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#idle = [...options.lanes];
    this.#text = flushStatement(options.schema);
  }

  /** Resolves after the commit. */
  commit(transition: Transition): Promise<void> {
    return new Promise((resolve, reject) => {
      const { job } = transition;
      const waiting = this.#waiting.get(job.jobId) ?? { job, transitions: [], settle: [] };
      waiting.transitions.push(transition);
      waiting.settle.push({ resolve, reject });
      this.#waiting.set(job.jobId, waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Behind the continuations of the flush that just came back: what they commit goes out together.
    setImmediate(() => {
      this.#isScheduled = false;
      while (this.#idle.length > 0) {
        const taken = this.#take();
        if (taken.length === 0) return;
        void this.#flush(taken, this.#idle.pop() as Client);
      }
    });
  }

  #take(): Waiting[] {
    const taken: Waiting[] = [];
    for (const [jobId, waiting] of this.#waiting) {
      if (taken.length === this.#options.batch) break;
      if (this.#flushing.has(jobId)) continue;
      this.#waiting.delete(jobId);
      this.#flushing.add(jobId);
      taken.push(waiting);
    }
    return taken;
  }

  async #flush(taken: readonly Waiting[], lane: Client): Promise<void> {
    try {
      const values = new FlushValues();
      for (const { job, transitions } of taken) values.add(job, transitions);
      const { rows } = await lane.query({ name: 'flush', text: this.#text, values: values.list() });
      if (Number(rows[0].jobs) !== values.jobs || Number(rows[0].ended) !== values.ended.length)
        throw new Error('a fence did not hold');
      for (const { settle } of taken) for (const { resolve } of settle) resolve();
    } catch (error) {
      for (const { settle } of taken) for (const { reject } of settle) reject(error);
    } finally {
      for (const { job } of taken) this.#flushing.delete(job.jobId);
      this.#idle.push(lane);
      if (this.#waiting.size > 0) this.#schedule();
    }
  }
}

interface Waiting {
  readonly job: FloorJob;
  readonly transitions: Transition[];
  readonly settle: { resolve: () => void; reject: (error: unknown) => void }[];
}
