import { sql } from 'kysely';
import type { JobInsert, PgBoss } from 'pg-boss';
import type { AnyKysely, BossDatabase } from './boss-database.ts';
import type { BossMessage } from './boss-message.ts';
import { toBossPriority } from './boss-message.ts';
import { formatQueueName } from './queue-name.ts';

/** A message and when it may be delivered: a time, or so many seconds from now by the database's clock. */
export interface Sending {
  readonly message: BossMessage;
  readonly startAfter: Date | number;
}

/** Creates queues of pg-boss as messages for them come, each once. */
export type EnsureQueue = (name: string) => Promise<void>;

// One message of a job may wait and one may be delivered: pg-boss drops a second that waits, and does not deliver while one is.
const POLICY = 'stately';
const TEN_YEARS_S = 10 * 365 * 24 * 3600;

export function createEnsureQueue(boss: PgBoss): EnsureQueue {
  const ensured = new Map<string, Promise<void>>();
  return (name) => {
    const known = ensured.get(name);
    if (known) return known;
    const creating = boss
      .createQueue(name, {
        policy: POLICY,
        retryLimit: 1_000_000,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: 30,
        // The longest pg-boss takes. Whether a worker lives is told by admission.
        expireInSeconds: 24 * 3600,
        retentionSeconds: TEN_YEARS_S,
        deleteAfterSeconds: 3600,
      })
      .catch((error: unknown) => {
        ensured.delete(name);
        throw error;
      });
    ensured.set(name, creating);
    return creating;
  };
}

/** Queue name → its messages as pg-boss inserts them. */
export function groupByQueue(sendings: readonly Sending[]): Map<string, JobInsert<BossMessage>[]> {
  const groups = new Map<string, JobInsert<BossMessage>[]>();
  for (const { message, startAfter } of sendings) {
    const name = formatQueueName(message);
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push({ data: message, singletonKey: message.jobId, priority: toBossPriority(message.rank), startAfter });
  }
  return groups;
}

/** Inserts the messages; what already waits stays as it is. The queues must be there. */
export async function insertMessages(
  boss: PgBoss,
  db: BossDatabase,
  groups: ReadonlyMap<string, JobInsert<BossMessage>[]>,
): Promise<void> {
  for (const [name, messages] of groups) await boss.insert(name, messages, { db });
}

/** Wakes the workers when the transaction commits. */
export async function notifyWorkers(tx: AnyKysely, { channel }: { channel: string }): Promise<void> {
  await sql`select pg_notify(${channel}, '')`.execute(tx);
}
