import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { silentLogger } from '@mad/core';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Clusters, type PostgresCluster, ResultsDatabaseUnreachableError } from '../../src/index.ts';
import { openKeptSession } from '../../src/results-database/cluster-session.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const open = (clusters = platform.clusters) => openKeptSession({ clusters, cluster: 'main', logger: silentLogger });
const clusterOf = (connect: PostgresCluster['connect']): Clusters => ({ main: { kind: 'postgres', connect } });

async function pidOf(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}

/** Runs on a session that is disposed after it; returns the server's process. */
async function once(run: (db: Kysely<unknown>) => Promise<unknown> = async () => {}): Promise<number> {
  await using session = await open();
  const pid = await pidOf(session.db);
  await run(session.db);
  return pid;
}

const isThere = async (pid: number) =>
  (await sql`select from pg_stat_activity where pid = ${pid}`.execute(platform.metadata)).rows.length > 0;

test('whoever comes soon gets the session again, without its locks and settings', async () => {
  const pid = await once(async (db) => {
    await sql`select pg_advisory_lock(4711)`.execute(db);
    await sql`set lock_timeout = '17s'`.execute(db);
  });
  const { rows } = await sql`select from pg_locks where locktype = 'advisory' and pid = ${pid}`.execute(
    platform.metadata,
  );
  expect(rows).toEqual([]);
  const again = await once(async (db) => {
    expect((await sql`show lock_timeout`.execute(db)).rows).toEqual([{ lock_timeout: '0' }]);
  });
  expect(again).toBe(pid);
});

test('two at once have one each', async () => {
  await using one = await open();
  await using other = await open();
  expect(await pidOf(one.db)).not.toBe(await pidOf(other.db));
});

test('whoever would connect in another way does not get it', async () => {
  const pid = await once();
  const { main } = platform.clusters;
  const asBefore = async () => (main?.kind === 'postgres' ? await main.connect() : {});
  await using rotated = await open(clusterOf(async () => ({ ...(await asBefore()), password: 'rotated' })));
  expect(await pidOf(rotated.db)).not.toBe(pid);
  await using same = await open(clusterOf(asBefore));
  expect(await pidOf(same.db)).toBe(pid);
});

test('a host that says nothing of how to connect is not waited for', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const opening = open(clusterOf(() => new Promise(() => {})));
  const refused = expect(opening).rejects.toThrow(ResultsDatabaseUnreachableError);
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
});

test('one that does not answer any more is not waited for', async () => {
  const pid = await once();
  process.kill(pid, 'SIGSTOP');
  try {
    expect(await once()).not.toBe(pid);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await expect.poll(() => isThere(pid), { timeout: 10_000 }).toBe(false);
});

test('one that is left in a transaction is closed', async () => {
  const pid = await once((db) => sql`begin`.execute(db));
  expect(await once()).not.toBe(pid);
  await expect.poll(() => isThere(pid)).toBe(false);
});

test('one that the server cuts is not handed out again, neither cut while idle nor while lent', async () => {
  const cut = (pid: number) => sql`select pg_terminate_backend(${pid}, 5000)`.execute(platform.metadata);
  const idle = await once();
  await cut(idle);
  const lent = await once((db) => pidOf(db).then(cut));
  expect(lent).not.toBe(idle);
  expect(await once()).not.toBe(lent);
});

test('it is closed when nobody came', async () => {
  const pid = await once();
  expect(await isThere(pid)).toBe(true);
  await expect.poll(() => isThere(pid), { timeout: 10_000 }).toBe(false);
});

test('it keeps no process alive', async () => {
  const program = `
    import { openKeptSession } from ${JSON.stringify(new URL('../../src/results-database/cluster-session.ts', import.meta.url))};
    import { sql } from 'kysely';
    const connect = () => ({ connectionString: process.env.URL });
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const session = await openKeptSession({ clusters: { main: { kind: 'postgres', connect } }, cluster: 'main', logger });
    await sql\`select 1\`.execute(session.db);
    await session[Symbol.asyncDispose]();
    const disposed = performance.now();
    process.on('exit', () => process.stdout.write(String(performance.now() - disposed < 900)));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: import.meta.dirname,
    env: { ...process.env, URL: platform.url },
  });
  expect(stdout).toBe('true');
});
