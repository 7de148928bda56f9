import { AsyncLocalStorage } from 'node:async_hooks';
import PQueue from 'p-queue';
import { type Logger, silentLogger } from '../logger.ts';
import type { ConsumeOptions, JobMessage, JobQueue } from '../ports/job-queue.ts';
import { createDelayedMessages, type Delayed } from './delayed-messages.ts';
import { createFairQueue, type Queued } from './fair-queue.ts';
import { type DepthPart, sumDepths } from './queue-depth.ts';
import { DEFAULT_RESOURCE_CLASS, type QueueLimits, rankOf } from './queue-limits.ts';
import { redeliveryPauseMs } from './redelivery-pause.ts';

/** What the queue knows of a job from its first message to the end of its last delivery. */
interface Entry extends Queued, Delayed {
  readonly message: JobMessage;
  state: 'delayed' | 'waiting' | 'running' | 'replaced';
  /** Deliveries in a row that were rejected. */
  readonly rejections: number;
  /** Arrived during the run: delivered when that has ended. */
  again?: JobMessage | undefined;
}

interface Consumer {
  /** Runs the handler as the consumer would: not in the async context of whoever enqueued. */
  readonly deliver: (message: JobMessage) => Promise<void>;
  readonly slots: PQueue;
  readonly concurrency: number;
}

/**
 * A queue in this process's memory. What it holds is gone with the process; the executor's recovery finds those jobs again in the Results DBs.
 * Messages appear at once, also within a transaction. A rejected delivery is made again after 100 ms, and after up to 30 s when that goes on.
 * A job enqueued while it runs is delivered once more when the run has ended.
 */
export function createInProcessQueue({
  logger = silentLogger,
  limits = {},
}: {
  readonly logger?: Logger | undefined;
  readonly limits?: QueueLimits | undefined;
} = {}): JobQueue {
  const entries = new Map<string, Entry>();
  const fair = createFairQueue<Entry>(limits);
  const consumers = new Set<Consumer>();
  const delayed = createDelayedMessages<Entry>((due) => {
    for (const entry of due) if (entry.state === 'delayed') wait(entry);
    pump();
  });

  function accept(message: JobMessage): void {
    const dueAt = Math.max(message.runAfter?.getTime() ?? 0, Date.now());
    const known = entries.get(message.jobId);
    if (known?.state === 'running') known.again = message;
    // One that was to come later on somebody's wish is brought forward; a pause after a rejection is kept.
    else if (!known || (known.state === 'delayed' && known.rejections === 0 && dueAt < known.dueAt)) {
      if (known) known.state = 'replaced';
      schedule({ message, dueAt, rejections: 0 });
    }
  }

  function schedule({ message, dueAt, rejections }: Pick<Entry, 'message' | 'dueAt' | 'rejections'>): void {
    const { orgId, jobId, priority, resourceClass = DEFAULT_RESOURCE_CLASS } = message;
    const rank = rankOf(limits, { dueAt, priority });
    const entry: Entry = { message, dueAt, rejections, orgId, resourceClass, rank, state: 'delayed' };
    entries.set(jobId, entry);
    if (dueAt > Date.now()) delayed.push(entry);
    else wait(entry);
  }

  function wait(entry: Entry): void {
    entry.state = 'waiting';
    fair.push(entry);
  }

  /** Starts what limits and consumers have room for. Waiting messages stay out of p-queue: there each would cost 900 bytes. */
  function pump(): void {
    for (const { slots, concurrency, deliver } of consumers) {
      while (slots.pending < concurrency) {
        const entry = fair.take();
        if (!entry) return;
        entry.state = 'running';
        void slots.add(() => run(entry, deliver));
      }
    }
  }

  async function run(entry: Entry, deliver: Consumer['deliver']): Promise<void> {
    const { message } = entry;
    let { rejections } = entry;
    try {
      await deliver(message);
      rejections = 0;
    } catch (error) {
      rejections++;
      logger.error({ err: error, org_id: message.orgId, job_id: message.jobId }, 'a delivery failed; it is made again');
    }
    fair.release(entry);
    entries.delete(message.jobId);
    if (rejections > 0) {
      schedule({ message: entry.again ?? message, dueAt: Date.now() + redeliveryPauseMs(rejections), rejections });
    } else if (entry.again) accept(entry.again);
  }

  function depthOf({ orgId, state, dueAt }: Entry): DepthPart {
    const waiting = state === 'waiting';
    return {
      orgId,
      waiting: waiting ? 1 : 0,
      running: state === 'running' ? 1 : 0,
      oldestMs: waiting ? Math.max(0, Date.now() - dueAt) : null,
    };
  }

  function open({ handler, concurrency }: ConsumeOptions): Consumer {
    const inContext = AsyncLocalStorage.snapshot();
    const slots = new PQueue({ concurrency });
    // Emitted when a run has ended and its slot is free.
    slots.addEventListener('next', pump);
    return { deliver: (message) => inContext(async () => handler(message)), slots, concurrency };
  }

  return {
    async enqueue(messages) {
      for (const message of messages) accept(message);
      pump();
    },
    consume(options) {
      const consumer = open(options);
      consumers.add(consumer);
      pump();
      return {
        async [Symbol.asyncDispose]() {
          consumers.delete(consumer);
          await consumer.slots.onPendingZero();
        },
      };
    },
    upcoming: (orgId, count) => fair.upcoming(orgId, count).map(({ message }) => message.jobId),
    depth: async () => sumDepths([...entries.values()].map(depthOf)),
  };
}
