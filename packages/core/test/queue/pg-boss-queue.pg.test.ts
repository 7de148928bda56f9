import {
  createPostgresDatabase,
  describeJobQueue,
  describeTransactionalQueue,
  type OpenTransactionalQueue,
} from '@mad/testkit';
import { inOrganization } from '../../src/metadata/metadata-database.ts';
import { createPgBossQueue } from '../../src/pg-boss/index.ts';
import type { QueueLimits } from '../../src/queue/queue-limits.ts';
import { bossTemplate } from './boss-template.ts';

describeJobQueue('createPgBossQueue', openQueue);
describeTransactionalQueue('createPgBossQueue', openQueue);

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
