import { setTimeout } from 'node:timers/promises';
import { silentLogger } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ConnectionsBusyError, ResultsDatabasesClosedError, ResultsDatabaseUnreachableError } from '../../src/index.ts';
import {
  ConnectionBudget,
  type ConnectionBudgetOptions,
  type ConnectionTarget,
} from '../../src/results-database/connection-budget.ts';

let server: Awaited<ReturnType<typeof createPostgresDatabase>>;
beforeAll(async () => {
  server = await createPostgresDatabase();
});
afterAll(() => server[Symbol.asyncDispose]());

const limits: ConnectionBudgetOptions = {
  ...{ maxConnections: 2, idleTimeoutMs: 10_000, waitTimeoutMs: 10_000, logger: silentLogger },
};

/** Three databases that are one, told apart by the name their connections carry. */
function openDatabases(options: Partial<ConnectionBudgetOptions> = {}) {
  const budget = new ConnectionBudget({ ...limits, ...options });
  onTestFinished(() => budget[Symbol.asyncDispose]());
  const openTarget = (target: ConnectionTarget) =>
    new Kysely<unknown>({ dialect: new PostgresDialect({ pool: budget.pool(target) }) });
  const open = (name: string, connectionString = server.url, cluster = 'main') =>
    openTarget({ cluster, database: name, config: () => ({ connectionString, application_name: name }) });
  return { budget, open, openTarget, a: open('budget_a'), b: open('budget_b'), c: open('budget_c') };
}

const pid = async (db: Kysely<unknown>) =>
  (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid;

async function connected(): Promise<string[]> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query(
    `select application_name as name from pg_stat_activity where application_name like 'budget%' order by 1`,
  );
  await client.end();
  return rows.map((row: { name: string }) => row.name);
}

test('a connection is used again, and leaves for another database when the budget is full: the one idle for longest', async () => {
  const { a, b, c } = openDatabases();
  const first = await pid(a);
  await pid(b);
  expect(await pid(a)).toBe(first);
  await pid(c);
  expect(await connected()).toEqual(['budget_a', 'budget_c']);
});

test('many queries on many databases are all answered within the budget', async () => {
  const { a, b, c } = openDatabases();
  let most = 0;
  const watch = (async () => {
    for (let i = 0; i < 10; i++) most = Math.max(most, (await connected()).length);
  })();
  const answers = await Promise.all(
    Array.from({ length: 90 }, (_, i) => sql`select pg_sleep(0.002)`.execute([a, b, c][i % 3] ?? a)),
  );
  await watch;
  expect(answers).toHaveLength(90);
  expect(most).toBeLessThanOrEqual(2);
  expect(most).toBeGreaterThan(0);
});

test('a database with few queries is not kept waiting behind one with many', async () => {
  const { a, b } = openDatabases({ maxConnections: 1 });
  let answered = 0;
  const many = Array.from({ length: 200 }, () => pid(a).then(() => answered++));
  await pid(b);
  expect(answered).toBeLessThan(60);
  await Promise.all(many);
});

test('an organization with few queries is not kept waiting behind one with many in the same database', async () => {
  const { openTarget } = openDatabases({ maxConnections: 1 });
  const target = { cluster: 'main', database: 'shared', config: () => ({ connectionString: server.url }) };
  const [busy, quiet] = [openTarget(target), openTarget(target)];
  let answered = 0;
  const many = Array.from({ length: 100 }, () => pid(busy).then(() => answered++));
  await pid(quiet);
  await pid(quiet);
  expect(answered).toBeLessThan(10);
  await Promise.all(many);
});

test('a cluster is given no more connections than it may have, and holds up no other', async () => {
  const { open } = openDatabases({ maxConnections: 4, maxConnectionsOf: (name) => (name === 'small' ? 1 : undefined) });
  const [one, two] = [open('budget_one', server.url, 'small'), open('budget_two', server.url, 'small')];
  const other = open('budget_other', server.url, 'large');
  await one.transaction().execute(async (tx) => {
    await sql`select 1`.execute(tx);
    const waits = pid(two);
    expect(await pid(other)).toBeTypeOf('number');
    expect(await connected()).toEqual(['budget_one', 'budget_other']);
    waits.catch(() => {});
  });
  expect(await pid(two)).toBeTypeOf('number');
  expect(await connected()).toEqual(['budget_other', 'budget_two']);
});

test('a server that has no place for one more connection makes queries wait, and refuses none', async () => {
  await sql`create role budget_limited login connection limit 2`.execute(server.db);
  onTestFinished(async () => void (await sql`drop role budget_limited`.execute(server.db)));
  const url = new URL(server.url);
  url.username = 'budget_limited';
  const { budget, open } = openDatabases({ maxConnections: 10 });
  const dbs = ['budget_x', 'budget_y', 'budget_z'].map((name) => open(name, url.href));
  const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => pid(dbs[at % 3] ?? server.db)));
  expect(answers.filter((answer) => typeof answer === 'number')).toHaveLength(60);
  await budget[Symbol.asyncDispose]();
});

test('a query that no connection comes free for is refused in time, and leaves the budget whole', async () => {
  const { a, b } = openDatabases({ maxConnections: 1, waitTimeoutMs: 50 });
  await a.transaction().execute(async () => {
    await expect(pid(b)).rejects.toMatchObject({
      code: ConnectionsBusyError.code,
      retryable: true,
      details: { maxConnections: 1 },
    });
  });
  expect(await pid(b)).toBeTypeOf('number');
});

test('a connection that the server cut is not lent again', async () => {
  const { a, b } = openDatabases();
  const cut = await pid(a);
  await sql`select pg_terminate_backend(${cut})`.execute(b);
  await setTimeout(50);
  expect(await pid(a)).not.toBe(cut);
  await expect(
    a.connection().execute(async (own) => sql`select pg_terminate_backend(${await pid(own)})`.execute(own)),
  ).rejects.toThrow();
  expect(await pid(a)).toBeTypeOf('number');
});

test('a connection on a server that became read-only is not lent again', async () => {
  const { a } = openDatabases();
  const standby = await pid(a);
  await a.connection().execute((own) => sql`set default_transaction_read_only = on`.execute(own));
  await expect(sql`create table written (a int)`.execute(a)).rejects.toMatchObject({ code: '25006' });
  expect(await pid(a)).not.toBe(standby);
});

test('a connection left inside a transaction is not lent again', async () => {
  const { a } = openDatabases();
  const left = await pid(a);
  await a.connection().execute((own) => sql`begin`.execute(own));
  expect(await pid(a)).not.toBe(left);
});

test('an idle connection closes after its time', async () => {
  const { a } = openDatabases({ idleTimeoutMs: 50 });
  await pid(a);
  expect(await connected()).toEqual(['budget_a']);
  await setTimeout(200);
  expect(await connected()).toEqual([]);
});

test('a server that cannot be reached is one clear error without its address, and takes no place', async () => {
  const { open, a } = openDatabases({ maxConnections: 1 });
  const nowhere = open('budget_nowhere', 'postgresql://mad:hush@127.0.0.1:1/nowhere');
  const error: unknown = await pid(nowhere).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: ResultsDatabaseUnreachableError.code,
    retryable: true,
    details: { cluster: 'main', reason: 'ECONNREFUSED' },
  });
  expect(String(error)).not.toMatch(/hush|127\.0\.0\.1/);
  const missing = open('budget_missing', server.url.replace(/mad_test_\w+/, 'mad_no_such'));
  await expect(pid(missing)).rejects.toMatchObject({ details: { reason: '3D000' } });
  expect(await pid(a)).toBeTypeOf('number');
});

test('disposing waits for what is lent, refuses what waits, and leaves no connection', async () => {
  const { budget, a, b } = openDatabases({ maxConnections: 1 });
  const lent = sql`select pg_sleep(0.1)`.execute(a);
  const waiting = expect(pid(b)).rejects.toThrow(ResultsDatabasesClosedError);
  await setTimeout(30);
  await budget[Symbol.asyncDispose]();
  await Promise.all([lent, waiting]);
  await expect(pid(a)).rejects.toThrow(ResultsDatabasesClosedError);
  expect(await connected()).toEqual([]);
});
