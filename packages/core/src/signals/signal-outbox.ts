import type { OrgId } from '../ids.ts';
import type { JobSignal, SignalTopic } from '../ports/signals.ts';
import { EVERY } from './every.ts';

/** Signals of one topic and organization that wait to be sent. */
export interface WaitingSignals {
  readonly topic: SignalTopic;
  readonly orgId: OrgId;
  readonly jobIds: ReadonlySet<string>;
}

// Some eleven payloads. Whoever changes more between two notifications is cheaper to look at as a whole.
const MOST_IDS = 4_000;
const EVERY_JOB: ReadonlySet<string> = new Set([EVERY]);

/** What is to be told to other processes, each job once: past some thousand jobs of an organization it is every job of it, so it stays small. */
export class SignalOutbox {
  #waiting = new Map<string, { topic: SignalTopic; orgId: OrgId; jobIds: Set<string> }>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(topic: SignalTopic, jobs: Iterable<JobSignal>): void {
    for (const { orgId, jobId } of jobs) {
      const key = `${topic}/${orgId}`;
      let waiting = this.#waiting.get(key);
      if (!waiting) {
        waiting = { topic, orgId, jobIds: new Set() };
        this.#waiting.set(key, waiting);
      }
      if (waiting.jobIds.size <= MOST_IDS) waiting.jobIds.add(jobId);
    }
  }

  /** All of it; what is added from now on goes with the next. */
  take(): readonly WaitingSignals[] {
    const taken = [...this.#waiting.values()];
    this.#waiting = new Map();
    return taken.map(({ jobIds, ...of }) => ({ ...of, jobIds: jobIds.size > MOST_IDS ? EVERY_JOB : jobIds }));
  }

  /** Back again: it could not be sent. */
  putBack(taken: readonly WaitingSignals[]): void {
    for (const { topic, orgId, jobIds } of taken) {
      this.add(
        topic,
        Array.from(jobIds, (jobId) => ({ orgId, jobId })),
      );
    }
  }
}
