import type { OrgId } from '../ids.ts';

export interface JobMessage {
  readonly orgId: OrgId;
  readonly jobId: string;
  /** Higher runs first. */
  readonly priority: number;
}

/** Delivers job ids to executors at least once. A delivery that fails or is lost is made again by recovery, so handlers are idempotent. */
export interface JobQueue {
  enqueue(message: JobMessage): Promise<void>;
  /** Starts delivering to `handler`, at most `concurrency` at a time, until the consumer is disposed; disposing waits for running handlers. */
  consume(options: ConsumeOptions): AsyncDisposable;
}

export interface ConsumeOptions {
  readonly handler: (message: JobMessage) => Promise<void>;
  readonly concurrency: number;
}
