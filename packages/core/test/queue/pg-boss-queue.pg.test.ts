import {
  createPostgresDatabase,
  describeJobQueue,
  describeTransactionalQueue,
  type OpenTransactionalQueue,
} from '@mad/testkit';
import { PgBoss } from 'pg-boss';
import { expect, test } from 'vitest';
import { ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { silentLogger } from '../../src/logger.ts';
import { inOrganization } from '../../src/metadata/metadata-database.ts';
import { createPgBossQueue } from '../../src/pg-boss/index.ts';
import type { JobMessage } from '../../src/ports/job-queue.ts';
import type { QueueLimits } from '../../src/queue/queue-limits.ts';
import { bossTemplate } from './boss-template.ts';

describeJobQueue('createPgBossQueue', openQueue);
describeTransactionalQueue('createPgBossQueue', openQueue);

test('messages that name no job, name one twice or are of a queue of the host’s stop nobody’s admission', async () => {
  const database = await createPostgresDatabase(bossTemplate);
  await using _database = database;
  const boss = new PgBoss({ connectionString: database.url, max: 2, supervise: false });
  boss.on('error', () => {});
  await boss.start();
  const warned: unknown[] = [];
  const logger = { ...silentLogger, warn: (_facts: object, message: string) => void warned.push(message) };
  await using queue = await createPgBossQueue({ boss, metadata: database.db, logger });
  const [orgId, other] = [newId(), newId()];
  const message = (jobId: string, more = {}) => ({ orgId, jobId, priority: 0, ...more });
  for (const bad of [message('nope'), { ...message(newId()), orgId: 'acme' }])
    await expect(queue.enqueue([bad])).rejects.toThrow(ValidationFailedError);

  const twin = newId();
  const good = newId();
  await queue.enqueue([message(twin), message(twin, { resourceClass: 'gpu' }), { ...message(twin), orgId: other }]);
  for (const data of [null, {}, { jobId: 'nope' }, { jobId: newId(), orgId: other, rank: 'x' }])
    await boss.insert(`mad/${orgId}/cpu`, [{ data, priority: 5_000_000, singletonKey: newId() }] as never);
  await boss.createQueue('mad/mails');
  await boss.insert('mad/mails', [{ data: { to: 'x' } }]);
  await queue.enqueue([message(good)]);

  const delivered: JobMessage[] = [];
  const consumer = queue.consume({ concurrency: 10, handler: async (one) => void delivered.push(one) });
  await expect.poll(() => delivered.map(({ jobId }) => jobId), { timeout: 20_000 }).toContain(good);
  await consumer[Symbol.asyncDispose]();
  // Whatever a message says, it is of the organization in whose lane it lies.
  expect(new Set(delivered.map((one) => one.orgId))).toEqual(
    new Set(delivered.some((one) => one.orgId === other) ? [orgId, other] : [orgId]),
  );
  expect(delivered.filter(({ jobId }) => jobId === twin)).toHaveLength(1);
  expect(warned.filter((text) => text === 'a message that names no job was deleted')).toHaveLength(3);
  await boss.stop({ graceful: false });
});

async function openQueue(limits: QueueLimits = {}): Promise<OpenTransactionalQueue> {
  const database = await createPostgresDatabase(bossTemplate);
  const queue = await createPgBossQueue({
    boss: { connectionString: database.url, max: 2, supervise: false },
    metadata: database.db,
    limits,
  });
  return {
    queue,
    inTransaction: (run) => inOrganization(database.db, '0195d0c0-0000-7000-8000-00000000000a', run),
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
