import PQueue from 'p-queue';
import { type Logger, silentLogger } from '../logger.ts';
import type { JobMessage, JobQueue } from '../ports/job-queue.ts';

/**
 * A queue in this process's memory: highest priority first, then oldest; a job already waiting is not queued twice. What it holds is gone with the
 * process; the executor's recovery finds those jobs again in the Results DBs. One consumer.
 */
export function createInProcessQueue({ logger = silentLogger }: { readonly logger?: Logger } = {}): JobQueue {
  const queue = new PQueue({ concurrency: 1, autoStart: false });
  const waiting = new Set<string>();
  let deliver: ((message: JobMessage) => Promise<void>) | undefined;

  async function run(message: JobMessage): Promise<void> {
    waiting.delete(message.jobId);
    await deliver?.(message);
  }

  return {
    async enqueue(messages) {
      for (const message of messages) {
        if (waiting.has(message.jobId)) continue;
        waiting.add(message.jobId);
        void queue
          .add(() => run(message), { priority: message.priority })
          .catch((error: unknown) => {
            logger.error({ err: error, job_id: message.jobId }, 'a delivery failed; recovery will make it again');
          });
      }
    },
    async depth() {
      return [];
    },
    consume({ handler, concurrency }) {
      deliver = handler;
      queue.concurrency = concurrency;
      queue.start();
      return {
        async [Symbol.asyncDispose]() {
          queue.pause();
          await queue.onPendingZero();
        },
      };
    },
  };
}
