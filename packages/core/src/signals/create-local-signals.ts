import { type Logger, silentLogger } from '../logger.ts';
import type { JobSignal, Signals, SignalTopic } from '../ports/signals.ts';

/** Signals within this process: every listener has been called when `publish` returns. A listener that throws is logged and hinders no other. */
export function createLocalSignals({ logger = silentLogger }: { readonly logger?: Logger | undefined } = {}): Signals {
  const listeners: Readonly<Record<SignalTopic, Set<(job: JobSignal) => void>>> = {
    'job.changed': new Set(),
    'job.cancel': new Set(),
  };
  return {
    publish(topic, jobs) {
      for (const listener of listeners[topic]) {
        for (const job of jobs) {
          try {
            listener(job);
          } catch (error) {
            logger.error({ err: error, topic, org_id: job.orgId, job_id: job.jobId }, 'a listener for signals threw');
          }
        }
      }
    },
    subscribe(topic, listener) {
      // One function may be subscribed twice: each subscription ends alone.
      const own = (job: JobSignal): void => listener(job);
      listeners[topic].add(own);
      return { [Symbol.dispose]: () => void listeners[topic].delete(own) };
    },
  };
}
