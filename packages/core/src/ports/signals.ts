import type { OrgId } from '../ids.ts';

/** `job.changed`: its timeline grew. `job.cancel`: somebody wants it to end. */
export type SignalTopic = 'job.changed' | 'job.cancel';

export interface JobSignal {
  /** Or `EVERY`: signals were lost, and any organization may be meant. */
  readonly orgId: OrgId;
  /** Or `EVERY`: any job of the organization may be meant. */
  readonly jobId: string;
  /** True for what came from outside this process, where whoever can connect may send it. @default false */
  readonly isForeign?: boolean | undefined;
}

/**
 * Wakes whoever waits for a job, in this process at once and in others soon. Best effort: a signal may be lost, merged or late, carries nothing
 * but the id, and is never the truth. Whoever subscribes also looks for itself from time to time.
 */
export interface Signals {
  /** Never blocks and never throws; costs next to nothing where nobody listens. */
  publish(topic: SignalTopic, jobs: readonly JobSignal[]): void;
  subscribe(topic: SignalTopic, listener: (job: JobSignal) => void): Disposable;
}
