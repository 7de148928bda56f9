import { PGlite } from '@electric-sql/pglite';
import { citext } from '@electric-sql/pglite/contrib/citext';
import { recordDeliveries } from '@mad/testkit';
import { Kysely, PGliteDialect } from 'kysely';
import { type Db, fromPglite, PgBoss } from 'pg-boss';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import { inOrganization } from '../../src/metadata/metadata-database.ts';
import { migrateMetadata } from '../../src/metadata/metadata-track.ts';
import type { SharedMetadataTables } from '../../src/metadata/tables/metadata-tables.ts';
import { createPgBossQueue } from '../../src/pg-boss/index.ts';

const A = '0195d0c0-0000-7000-8000-00000000000a';

const pglite = new PGlite({ extensions: { citext } });
const db = new Kysely<SharedMetadataTables>({ dialect: new PGliteDialect({ pglite }) });

/** pg-boss on the one session, in turn with Kysely: its statements must not fall into a transaction that is open there. */
function shareSession(): Db {
  const own = fromPglite(pglite);
  return { ...own, executeSql: (text, values) => db.connection().execute(() => own.executeSql(text, values)) };
}

let boss: PgBoss;
beforeAll(async () => {
  await migrateMetadata(db);
  boss = new PgBoss({ db: shareSession(), backend: 'pglite', schedule: false, supervise: false });
  await boss.start();
});
afterAll(async () => {
  await boss.stop({ graceful: false });
  await db.destroy();
});

test('on PGlite, too: messages are delivered by priority, again when rejected, and with their transaction', async () => {
  await using queue = await createPgBossQueue({ boss, metadata: db });
  const [low, high, late] = [0, 5, 9].map((priority) => ({ orgId: A, jobId: newId(), priority }));
  if (!low || !high || !late) return;
  await queue.enqueue([low]);
  await queue.enqueue([high]);
  let rejected = false;
  await using deliveries = recordDeliveries(queue, {
    concurrency: 1,
    async handle({ jobId }) {
      if (jobId !== late.jobId || rejected) return;
      rejected = true;
      throw new RangeError('not this time');
    },
  });
  await deliveries.until((list) => list.length === 2);
  expect(deliveries.ids).toEqual([high.jobId, low.jobId]);
  await inOrganization(db, A, (tx) => queue.enqueue([late], { tx }));
  await deliveries.until((list) => list.length === 4);
  expect(deliveries.ids.slice(2)).toEqual([late.jobId, late.jobId]);
  await expect.poll(() => queue.depth(), { timeout: 5_000 }).toEqual([]);
});
