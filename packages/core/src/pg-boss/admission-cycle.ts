import type { PgBoss } from 'pg-boss';
import type { Logger } from '../logger.ts';
import {
  type AdmittedJob,
  countAdmittedJobs,
  expireSlots,
  holdSlots,
  limitIdleTime,
  lockAdmission,
  releaseSlots,
} from '../metadata/admitted-job.repository.ts';
import { inAllOrganizations, type MetadataDatabase, type OperatorTransaction } from '../metadata/metadata-database.ts';
import { createFairQueue, type FairQueue, type Queued } from '../queue/fair-queue.ts';
import type { QueueLimits } from '../queue/queue-limits.ts';
import { redeliveryPauseMs } from '../queue/redelivery-pause.ts';
import { asLogin } from './as-login.ts';
import type { BossDatabase } from './boss-database.ts';
import { type BossMessage, readBossMessage, toRank } from './boss-message.ts';
import { formatQueueName, type Lane, parseQueueName } from './queue-name.ts';
import { type EnsureQueue, groupByQueue, insertMessages, type Sending } from './send-messages.ts';
import { listHeads, listWaitingLanes } from './waiting-messages.ts';

/** What every cycle of a worker needs. */
export interface Admission {
  readonly boss: PgBoss;
  readonly metadata: MetadataDatabase;
  readonly schema: string;
  readonly limits: QueueLimits;
  readonly ensureQueue: EnsureQueue;
  readonly logger: Logger;
  readonly workerId: string;
  /** How long a slot stays with a worker that gives no sign of life. */
  readonly ttlMs: number;
}

/** A message in this worker's hands. */
export interface Delivery {
  readonly message: BossMessage;
  readonly slot: AdmittedJob;
}

/** A delivery whose handler has ended. */
export interface EndedDelivery extends Delivery {
  readonly rejected: boolean;
}

/** What a worker has to tell, and how many more it could take. */
export interface CycleRequest {
  readonly running: readonly Delivery[];
  readonly ended: readonly EndedDelivery[];
  readonly free: number;
}

export interface CycleAnswer {
  readonly admitted: readonly Delivery[];
  /** Deliveries in `running` whose job another worker has by now. */
  readonly lost: readonly Delivery[];
}

/**
 * One transaction of a worker: it settles what has ended, renews its slots, takes back those of dead workers, and fills its free ones with the
 * messages whose turn it is. All workers admit one after the other, so that no limit is ever passed; whatever it did not commit, did not happen.
 */
export function createAdmissionCycle(admission: Admission): (request: CycleRequest) => Promise<CycleAnswer> {
  const { metadata, workerId, ttlMs } = admission;
  const fair = createFairQueue<Choice>(admission.limits);
  return (request) =>
    inAllOrganizations(metadata, async (tx) => {
      const { running, ended, free } = request;
      await limitIdleTime(tx, { idleMs: ttlMs });
      const ours = await releaseSlots(tx, { workerId, jobIds: ended.map(({ message }) => message.jobId) });
      const held = await holdSlots(tx, { workerId, ttlMs, jobs: running.map(({ slot }) => slot) });
      const settled = ended.filter(({ message }) => ours.has(message.jobId));
      const again = settled.filter(({ rejected }) => rejected).map(afterRejection);
      if (settled.length > 0) await asLogin(tx, (db) => settle(admission, db, { done: settled, again }));
      return {
        admitted: free > 0 ? await admit(admission, tx, { fair, free }) : [],
        lost: running.filter(({ message }) => !held.has(message.jobId)),
      };
    });
}

const LOOK_AGAIN_S = 30;

interface Settlement {
  readonly done: readonly Delivery[];
  /** Messages to put in their place. */
  readonly again: readonly Sending[];
}

/** Deletes the messages of deliveries, fenced by the number of the delivery, and puts others in their place. */
async function settle({ boss, ensureQueue }: Admission, db: BossDatabase, { done, again }: Settlement): Promise<void> {
  for (const [name, group] of Map.groupBy(done, ({ slot }) => queueOf(slot))) {
    const attempts = group.map(({ slot }) => ({ id: slot.message_id, retryCount: slot.attempt }));
    await boss.deleteJob(name, attempts, { db });
  }
  const groups = groupByQueue(again);
  await Promise.all([...groups.keys()].map(ensureQueue));
  await insertMessages(boss, db, groups);
}

const laneOf = (slot: AdmittedJob): Lane => ({ orgId: slot.org_id, resourceClass: slot.resource_class });
const queueOf = (slot: AdmittedJob): string => formatQueueName(laneOf(slot));

/** The message once more, after a pause that grows with the rejections in a row. */
function afterRejection({ message }: Delivery): Sending {
  const rejections = message.rejections + 1;
  return { message: { ...message, rejections }, startAfter: redeliveryPauseMs(rejections) / 1000 };
}

/** What a dead worker held may be delivered at once. */
async function redeliver(admission: Admission, db: BossDatabase, expired: readonly AdmittedJob[]): Promise<void> {
  const { boss } = admission;
  const done: Delivery[] = [];
  for (const slot of expired) {
    const job = await boss.getJobById<BossMessage>(queueOf(slot), slot.message_id, { db });
    const message = job && readBossMessage(job.data, { lane: laneOf(slot), bossPriority: job.priority });
    if (message) done.push({ message, slot });
  }
  await settle(admission, db, { done, again: done.map(({ message }) => ({ message, startAfter: 0 })) });
}

interface Choice extends Queued {
  readonly name: string;
}

async function admit(
  admission: Admission,
  tx: OperatorTransaction,
  { fair, free }: { readonly fair: FairQueue<Choice>; readonly free: number },
): Promise<readonly Delivery[]> {
  const { schema, workerId, ttlMs } = admission;
  await lockAdmission(tx);
  const expired = await expireSlots(tx);
  fair.reset(await countAdmittedJobs(tx));
  const deliveries = await asLogin(tx, async (db) => {
    if (expired.length > 0) await redeliver(admission, db, expired);
    const names = await listWaitingLanes(tx, { schema });
    if (names.length === 0) return [];
    for (const { lane, name, bossPriority } of await listHeads(tx, { schema, names, limit: free }))
      fair.push({ ...lane, name, rank: toRank(bossPriority) });
    return fetchChosen(admission, db, choose(fair, free));
  });
  // One job may lie in two lanes, as when its Results DB was copied.
  const first = new Map(deliveries.toReversed().map((delivery) => [delivery.message.jobId, delivery]));
  const held = await holdSlots(tx, { workerId, ttlMs, jobs: [...first.values()].map(({ slot }) => slot) });
  const isHeld = (delivery: Delivery) =>
    held.has(delivery.message.jobId) && first.get(delivery.message.jobId) === delivery;
  // pg-boss ends a delivery after 24 hours, whether its worker lives or not: such a job is still in its slot.
  const done = deliveries.filter((delivery) => !isHeld(delivery));
  const again = done.map(({ message }) => ({ message, startAfter: LOOK_AGAIN_S }));
  if (done.length > 0) await asLogin(tx, (db) => settle(admission, db, { done, again }));
  return deliveries.filter(isHeld);
}

/** Queue name → how many messages to take from it. */
function choose(fair: FairQueue<Choice>, free: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let left = free; left > 0; left--) {
    const choice = fair.take();
    if (!choice) break;
    counts.set(choice.name, (counts.get(choice.name) ?? 0) + 1);
  }
  return counts;
}

/** A message that names no job, put there by other means than ours, is deleted: it must not keep anybody's admission. */
async function fetchChosen(
  { boss, logger }: Admission,
  db: BossDatabase,
  counts: ReadonlyMap<string, number>,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const [name, batchSize] of counts) {
    const lane = parseQueueName(name);
    for (const { id, data, retryCount, priority } of await boss.fetch(name, { batchSize, db, includeMetadata: true })) {
      const message = readBossMessage(data, { lane, bossPriority: priority });
      if (message) {
        const slot = { job_id: message.jobId, org_id: lane.orgId, resource_class: lane.resourceClass, message_id: id };
        deliveries.push({ message, slot: { ...slot, attempt: retryCount } });
        continue;
      }
      logger.warn({ org_id: lane.orgId, queue: name, message_id: id }, 'a message that names no job was deleted');
      await boss.deleteJob(name, { id, retryCount }, { db });
    }
  }
  return deliveries.sort((a, b) => a.message.rank - b.message.rank);
}
