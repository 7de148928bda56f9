import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPostgresDatabase, recordDeliveries, type TestDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { PgBoss } from 'pg-boss';
import { expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import type { SharedMetadataTables } from '../../src/metadata/tables/metadata-tables.ts';
import { createPgBossQueue } from '../../src/pg-boss/index.ts';
import type { JobMessage } from '../../src/ports/job-queue.ts';
import { connectPostgres } from '../../src/postgres/connect-postgres.ts';
import type { QueueLimits } from '../../src/queue/queue-limits.ts';
import { bossTemplate } from './boss-template.ts';

const A = '0195d0c0-0000-7000-8000-00000000000a';
const B = '0195d0c0-0000-7000-8000-00000000000b';

type Database = TestDatabase<SharedMetadataTables>;

async function openDatabase(): Promise<Database> {
  const database = await createPostgresDatabase(bossTemplate);
  await sql`create table runs (id serial primary key, pid int, org_id text, job_id text, resource_class text,
    started timestamptz default clock_timestamp(), ended timestamptz)`.execute(database.db);
  return database;
}

const openQueue = ({ url, db }: Database, limits: QueueLimits = {}) =>
  createPgBossQueue({ boss: { connectionString: url, max: 2, supervise: false }, metadata: db, limits });

const message = (more: Partial<JobMessage> = {}): JobMessage => ({ orgId: A, jobId: newId(), priority: 0, ...more });

/** A worker process that is ready, and dies with the test. */
async function startWorker({ url }: Database, options: object): Promise<ChildProcess & Disposable> {
  const script = fileURLToPath(new URL('worker-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, url, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return Object.assign(child, {
    [Symbol.dispose]() {
      child.kill('SIGKILL');
    },
  });
}

async function count({ db }: Database, where = sql<boolean>`true`): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from runs where ${where}`.execute(db);
  return rows[0]?.n ?? 0;
}

/** The most runs at a time, by the database's clock. */
async function most({ db }: Database, where: ReturnType<typeof sql<boolean>>): Promise<number> {
  const { rows } = await sql<{ n: number }>`with chosen as (select * from runs where ${where})
    select max(n)::int as n from (select (select count(*) from chosen b where b.started <= a.started and b.ended > a.started) as n from chosen a) counts`.execute(
    db,
  );
  return rows[0]?.n ?? 0;
}

test('limits hold over 8 processes, and every job runs once', async () => {
  await using database = await openDatabase();
  const limits = { perOrganization: 5, perResourceClass: { gpu: 3 } };
  await using queue = await openQueue(database, limits);
  const options = { limits, concurrency: 4, serviceMs: 250 };
  const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(database, options)));
  try {
    const sent = [A, B].flatMap((orgId) =>
      Array.from({ length: 40 }, (_, index) => message({ orgId, resourceClass: index % 3 === 0 ? 'gpu' : 'cpu' })),
    );
    await queue.enqueue(sent);
    await expect.poll(() => count(database, sql`ended is not null`), { timeout: 30_000 }).toBe(80);
    expect(await count(database)).toBe(80);
    for (const orgId of [A, B]) expect(await most(database, sql`org_id = ${orgId}`)).toBeLessThanOrEqual(5);
    expect(await most(database, sql`resource_class = 'gpu'`)).toBeLessThanOrEqual(3);
    expect(await most(database, sql`true`)).toBeGreaterThan(3);
    const { rows } = await sql<{ n: number }>`select count(distinct pid)::int as n from runs`.execute(database.db);
    expect(rows[0]?.n).toBeGreaterThanOrEqual(3);
  } finally {
    for (const worker of workers) worker[Symbol.dispose]();
  }
});

test('the job of a killed worker is delivered to another within ten seconds, and its slot is free', async () => {
  await using database = await openDatabase();
  const limits = { perOrganization: 1 };
  await using queue = await openQueue(database, limits);
  const worker = await startWorker(database, { limits, concurrency: 1, serviceMs: 60_000 });
  const job = message();
  await queue.enqueue([job]);
  await expect.poll(() => count(database), { timeout: 10_000 }).toBe(1);
  worker.kill('SIGKILL');
  const killed = performance.now();
  await using deliveries = recordDeliveries(queue, { concurrency: 1 });
  await deliveries.until((list) => list.length === 1);
  expect(deliveries.ids).toEqual([job.jobId]);
  expect(performance.now() - killed).toBeLessThan(10_000);
});

test('a worker that was thought dead settles nothing of the delivery that another has', async () => {
  await using database = await openDatabase();
  await using queue = await openQueue(database);
  using worker = await startWorker(database, { concurrency: 1, serviceMs: 500 });
  await queue.enqueue([message()]);
  await expect.poll(() => count(database), { timeout: 10_000 }).toBe(1);
  worker.kill('SIGSTOP');
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await using deliveries = recordDeliveries(queue, { concurrency: 1, handle: () => held });
  await deliveries.until((list) => list.length === 1);
  worker.kill('SIGCONT');
  await expect.poll(() => count(database, sql`ended is not null`), { timeout: 10_000 }).toBe(1);
  // Time for it to settle what it believes to be its own.
  await sleep(500);
  expect(await queue.depth()).toEqual([{ orgId: A, waiting: 0, running: 1, oldestMs: null }]);
  finish();
  await expect.poll(() => queue.depth(), { timeout: 10_000 }).toEqual([]);
  expect(deliveries.list).toHaveLength(1);
});

test('a worker that stops in the middle of an admission holds up the others for seconds only', async () => {
  class StuckBoss extends PgBoss {
    override fetch(): Promise<never> {
      return new Promise(() => {});
    }
  }
  await using database = await openDatabase();
  const boss = new StuckBoss({ connectionString: database.url, max: 2, supervise: false, schedule: false });
  boss.on('error', () => {});
  await boss.start();
  // A pool of its own that is never closed: its only client stays lent for ever.
  const metadata = connectPostgres({ connectionString: database.url, max: 1, allowExitOnIdle: true }) as never;
  const stuck = await createPgBossQueue({ boss, metadata, workerTimeoutMs: 2_000 });
  await stuck.enqueue([message()]);
  stuck.consume({ concurrency: 1, handler: async () => {} });
  await sleep(500);
  await using queue = await openQueue(database);
  await using deliveries = recordDeliveries(queue, { concurrency: 1 });
  await sleep(500);
  expect(deliveries.list).toHaveLength(0);
  await deliveries.until((list) => list.length === 1);
  await stuck[Symbol.asyncDispose]();
  await boss.stop({ graceful: false });
});
