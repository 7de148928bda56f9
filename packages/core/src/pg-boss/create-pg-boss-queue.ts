import { createHash } from 'node:crypto';
import { type ConstructorOptions, PgBoss } from 'pg-boss';
import { newId } from '../ids.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { countAdmittedJobs } from '../metadata/admitted-job.repository.ts';
import { inAllOrganizations, type MetadataDatabase } from '../metadata/metadata-database.ts';
import type { JobQueue } from '../ports/job-queue.ts';
import { sumDepths } from '../queue/queue-depth.ts';
import type { QueueLimits } from '../queue/queue-limits.ts';
import { createAdmissionCycle } from './admission-cycle.ts';
import { asLogin } from './as-login.ts';
import type { AnyKysely, BossDatabase } from './boss-database.ts';
import { toBossMessage } from './boss-message.ts';
import { BossWorker } from './boss-worker.ts';
import { createEnsureQueue, groupByQueue, insertMessages, notifyWorkers } from './send-messages.ts';
import { countWaiting } from './waiting-messages.ts';

export interface PgBossQueueOptions {
  /** An instance that the host has started and stops, or how to make one that lives as long as the queue. It uses the database of `metadata`. */
  readonly boss: PgBoss | ConstructorOptions;
  readonly metadata: MetadataDatabase;
  /** The same in every process. */
  readonly limits?: QueueLimits | undefined;
  /** The schema of pg-boss. @default 'pgboss' */
  readonly schema?: string | undefined;
  /** A worker without a sign of life for so long is dead: its slots are free and its jobs are delivered again. @default 4_000 */
  readonly workerTimeoutMs?: number | undefined;
  /** How often a worker gives a sign of life, and looks without being called. @default 1_000 */
  readonly pollMs?: number | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * A queue over many machines, in the Metadata DB. Messages appear with the transaction they are enqueued in; limits hold over all processes; a job
 * whose worker died is delivered again within seconds; a rejected delivery after 100 ms, and after up to 30 s when that goes on. Workers are
 * called by NOTIFY, and look by themselves every `pollMs`. Dispose the consumers first, then the queue.
 */
export async function createPgBossQueue({
  boss: given,
  metadata,
  limits = {},
  schema = given instanceof PgBoss ? 'pgboss' : (given.schema ?? 'pgboss'),
  workerTimeoutMs = 4_000,
  pollMs = 1_000,
  logger = silentLogger,
}: PgBossQueueOptions): Promise<JobQueue & AsyncDisposable> {
  const { boss, stop } = await start(given, logger);
  const ensureQueue = createEnsureQueue(boss);
  const channel = `mad_queue_${createHash('sha256').update(schema).digest('hex').slice(0, 16)}`;
  const workers = new Set<BossWorker>();
  const wakeAll = () => {
    for (const worker of workers) worker.wake();
  };
  const listening = await (boss.getDb() as BossDatabase).listen?.(channel, wakeAll, wakeAll).catch((error: unknown) => {
    logger.warn({ err: error }, 'the job queue cannot LISTEN; it looks for messages from time to time');
    return undefined;
  });

  return {
    joinsTransactions: true,
    async enqueue(messages, { tx } = {}) {
      if (messages.length === 0) return;
      const sendings = messages.map((message) => ({
        message: toBossMessage(limits, message),
        startAfter: message.runAfter ?? 0,
      }));
      const groups = groupByQueue(sendings);
      await Promise.all([...groups.keys()].map(ensureQueue));
      const send = async (inside: AnyKysely) => {
        await asLogin(inside, (db) => insertMessages(boss, db, groups));
        await notifyWorkers(inside, { channel });
      };
      await (tx ? send(tx) : metadata.transaction().execute(send));
    },
    consume(options) {
      const workerId = newId();
      const cycle = createAdmissionCycle({
        boss,
        metadata,
        schema,
        limits,
        ensureQueue,
        logger,
        workerId,
        ttlMs: workerTimeoutMs,
      });
      const worker = new BossWorker({ ...options, cycle, pollMs, logger });
      workers.add(worker);
      return {
        async [Symbol.asyncDispose]() {
          await worker[Symbol.asyncDispose]();
          workers.delete(worker);
          // What it left may be another's turn.
          await metadata.transaction().execute((tx) => notifyWorkers(tx, { channel }));
        },
      };
    },
    async depth() {
      const running = await inAllOrganizations(metadata, countAdmittedJobs);
      const waiting = await countWaiting(metadata, { schema });
      return sumDepths([...waiting, ...running.map((part) => ({ ...part, waiting: 0, oldestMs: null }))]);
    },
    async [Symbol.asyncDispose]() {
      await listening?.close();
      await stop();
    },
  };
}

async function start(
  given: PgBoss | ConstructorOptions,
  logger: Logger,
): Promise<{ readonly boss: PgBoss; readonly stop: () => Promise<void> }> {
  if (given instanceof PgBoss) return { boss: given, stop: async () => {} };
  const boss = new PgBoss({ schedule: false, application_name: 'mad', ...given });
  boss.on('error', (error) => logger.warn({ err: error }, 'pg-boss reports an error'));
  await boss.start();
  return { boss, stop: () => boss.stop({ graceful: false }) };
}
