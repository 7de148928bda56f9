import type { OrgId } from '../ids.ts';
import type { MetadataTransaction } from '../metadata/metadata-database.ts';

export interface JobMessage {
  readonly orgId: OrgId;
  readonly jobId: string;
  /** Higher runs first; what waits rises with time, so that nothing waits for ever. */
  readonly priority: number;
  /** What the job needs of a machine: `cpu`, `gpu`, or a word of the host's own. @default 'cpu' */
  readonly resourceClass?: string | undefined;
  /** Not delivered before this time. */
  readonly runAfter?: Date | undefined;
}

export interface EnqueueOptions {
  /** The messages appear with this transaction, where the queue lives in the same database; else at once. */
  readonly tx?: MetadataTransaction | undefined;
}

export interface ConsumeOptions {
  /** Runs one delivered job. When it rejects, the job is delivered again. */
  readonly handler: (message: JobMessage) => Promise<void>;
  readonly concurrency: number;
}

/** What waits and what runs for one organization. */
export interface QueueDepth {
  readonly orgId: OrgId;
  readonly waiting: number;
  readonly running: number;
  /** How long the oldest waiting message has waited; null where none waits. */
  readonly oldestMs: number | null;
}

/**
 * Delivers job ids to executors at least once, so handlers are idempotent. Which organization comes next is decided by fair share, within the
 * limits that the queue was given; inside an organization by priority that rises with waiting, then by age. A message that is already waiting or
 * running is not queued twice. What a queue loses, recovery finds in the Results DBs and enqueues again.
 */
export interface JobQueue {
  /** True where the queue lives in the Metadata DB: then its messages appear with a transaction. @default false */
  readonly joinsTransactions?: boolean | undefined;
  enqueue(messages: readonly JobMessage[], options?: EnqueueOptions): Promise<void>;
  /** Starts delivering to `handler` until the consumer is disposed; disposing delivers no more and waits for running handlers. */
  consume(options: ConsumeOptions): AsyncDisposable;
  /** Organizations for which something waits or runs. */
  depth(): Promise<readonly QueueDepth[]>;
  /** Jobs of the organization that will probably be delivered next, so many at most: whoever runs them may read ahead. Absent: not known here. */
  upcoming?(orgId: OrgId, count: number): readonly string[];
}
