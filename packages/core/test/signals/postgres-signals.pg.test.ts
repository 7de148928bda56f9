import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import type { JobSignal, Signals, SignalTopic } from '../../src/ports/signals.ts';
import { createPostgresSignals } from '../../src/signals/create-postgres-signals.ts';
import { EVERY } from '../../src/signals/every.ts';

const [ORG, OTHER_ORG] = [newId(), newId()];

/** What a subscriber hears, resolving when it hears for the first time: from then on its process listens. */
async function listen(signals: Signals, topic: SignalTopic = 'job.changed') {
  const heard: JobSignal[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  signals.subscribe(topic, (job) => {
    heard.push(job);
    resolve();
  });
  await promise;
  heard.length = 0;
  return heard;
}

/** As another process hears them. */
const abroad = (sent: readonly (JobSignal | undefined)[]) => sent.map((job) => ({ ...job, isForeign: true }));
const jobs = (count: number, orgId = ORG) => Array.from({ length: count }, () => ({ orgId, jobId: newId() }));

test('listeners of this process have heard when publish returns, those of another soon after, each once and by topic', async () => {
  await using database = await createPostgresDatabase();
  await using here = createPostgresSignals({ metadata: { connectionString: database.url } });
  await using there = createPostgresSignals({ metadata: { connectionString: database.url } });
  const [ours, theirs, cancels] = await Promise.all([listen(here), listen(there), listen(there, 'job.cancel')]);
  const sent = [...jobs(900), ...jobs(2, OTHER_ORG)];
  here.publish('job.changed', sent);
  expect(ours).toEqual(sent);
  await expect.poll(() => theirs.length).toBe(sent.length);
  expect(theirs).toEqual(abroad(sent));
  const [cancel] = jobs(1);
  if (cancel) here.publish('job.cancel', [cancel]);
  await expect.poll(() => cancels).toEqual(abroad([cancel]));
  expect([ours.length, theirs.length]).toEqual([sent.length, sent.length]);
});

test('a storm of signals is few statements, one at a time, and an organization with too many jobs is named as a whole', async () => {
  await using database = await createPostgresDatabase();
  const statements: string[] = [];
  let [running, most] = [0, 0];
  await using here = createPostgresSignals({
    metadata: async () => {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      const query = client.query.bind(client) as (config: { text: string }) => Promise<unknown>;
      const counted = async (config: { text: string }) => {
        statements.push(config.text);
        most = Math.max(most, ++running);
        return query(config).finally(() => running--);
      };
      return Object.assign(client, { query: counted });
    },
  });
  await using there = createPostgresSignals({ metadata: { connectionString: database.url } });
  const [, theirs] = await Promise.all([listen(here), listen(there)]);
  statements.length = 0;
  const sent = jobs(1_000);
  const began = performance.now();
  for (const job of sent) {
    here.publish('job.changed', [job]);
    if (Math.random() < 0.02) await setTimeout(5);
  }
  await expect.poll(() => theirs.length).toBe(1_000);
  expect(theirs).toEqual(abroad(sent));
  // No more than the time allows, however often there was something to tell.
  expect(statements.length).toBeLessThanOrEqual(Math.ceil((performance.now() - began) / 25) + 1);
  expect(most).toBe(1);

  theirs.length = 0;
  here.publish('job.changed', [...jobs(6_000, OTHER_ORG), ...sent.slice(0, 1)]);
  await expect.poll(() => theirs).toEqual(abroad([{ orgId: OTHER_ORG, jobId: EVERY }, sent[0]]));
});

test('a killed connection is replaced: listeners are told to look at everything, and what was published meanwhile arrives', async () => {
  await using database = await createPostgresDatabase();
  const config = { connectionString: database.url, application_name: 'signals' };
  await using here = createPostgresSignals({ metadata: config });
  await using there = createPostgresSignals({ metadata: config });
  const [ours, theirs] = await Promise.all([listen(here), listen(there)]);
  const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'signals' and datname = current_database()`.execute(database.db);
  expect(rows).toHaveLength(2);
  await expect.poll(() => [ours, theirs]).toEqual([[{ orgId: EVERY, jobId: EVERY }], [{ orgId: EVERY, jobId: EVERY }]]);
  const [before] = jobs(1);
  if (before) here.publish('job.changed', [before]);
  await expect.poll(() => theirs.at(-1)).toEqual({ ...before, isForeign: true });
});

test('a server that is not there is no error: this process hears, and disposing ends at once', async () => {
  const warnings: string[] = [];
  const silent = { debug() {}, info() {}, error() {} };
  const signals = createPostgresSignals({
    metadata: { host: '/nonexistent' },
    logger: { ...silent, warn: (_facts, message) => void warnings.push(message) },
  });
  const heard: JobSignal[] = [];
  signals.subscribe('job.cancel', (job) => void heard.push(job));
  const sent = jobs(1);
  signals.publish('job.cancel', sent);
  expect(heard).toEqual(sent);
  await expect.poll(() => warnings.length).toBeGreaterThan(1);
  await signals[Symbol.asyncDispose]();
  signals.publish('job.cancel', sent);
  expect(heard).toEqual([...sent, ...sent]);
});

test('a foreign notification is ignored', async () => {
  await using database = await createPostgresDatabase();
  await using signals = createPostgresSignals({ metadata: { connectionString: database.url } });
  const heard = await listen(signals);
  await sql`select pg_notify('mad.job.changed', 'hello')`.execute(database.db);
  await using other = createPostgresSignals({ metadata: { connectionString: database.url } });
  const sent = jobs(1);
  other.publish('job.changed', sent);
  await expect.poll(() => heard).toEqual(abroad(sent));
});

test('a process that has told what it had to tell ends, though it never disposed of its signals', async () => {
  await using database = await createPostgresDatabase();
  await using signals = createPostgresSignals({ metadata: { connectionString: database.url } });
  const heard = await listen(signals);
  const script = fileURLToPath(new URL('publishing-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, database.url], { stdio: ['ignore', 'inherit', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  await expect.poll(() => heard).toHaveLength(1);
});
