import { setTimeout as sleep } from 'node:timers/promises';
import type { JobMessage, JobQueue } from '@mad/core';

/** One delivery; times by `performance.now()`. */
export interface RecordedDelivery {
  readonly message: JobMessage;
  readonly started: number;
  /** Absent while the handler runs. */
  ended?: number;
}

export interface RecordDeliveries {
  readonly concurrency: number;
  /** How long each handler takes. @default 0 */
  readonly serviceMs?: number;
  /** What it does then. */
  readonly handle?: (message: JobMessage) => Promise<void>;
}

export interface RecordedDeliveries extends AsyncDisposable {
  readonly list: readonly RecordedDelivery[];
  readonly ids: readonly string[];
  /** Resolves once `passes`, which is asked again and again for 20 seconds at most. */
  until(passes: (list: readonly RecordedDelivery[]) => boolean): Promise<void>;
}

/** A consumer that notes every delivery. Disposing it disposes the consumer. */
export function recordDeliveries(
  queue: JobQueue,
  { concurrency, serviceMs = 0, handle }: RecordDeliveries,
): RecordedDeliveries {
  const list: RecordedDelivery[] = [];
  const consumer = queue.consume({
    concurrency,
    handler: async (message) => {
      const delivery: RecordedDelivery = { message, started: performance.now() };
      list.push(delivery);
      try {
        if (serviceMs > 0) await sleep(serviceMs);
        await handle?.(message);
      } finally {
        delivery.ended = performance.now();
      }
    },
  });
  return {
    list,
    get ids() {
      return list.map(({ message }) => message.jobId);
    },
    async until(passes) {
      for (const deadline = Date.now() + 20_000; !passes(list); await sleep(5)) {
        if (Date.now() > deadline) throw new Error(`${list.length} deliveries after 20 s, and not what was waited for`);
      }
    },
    [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose](),
  };
}
