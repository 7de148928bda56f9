import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPostgresDatabase } from '@mad/testkit';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { followJob } from '../../src/job/follow-job.ts';
import { waitForJob } from '../../src/job/wait-for-job.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import { createPostgresSignals } from '../../src/signals/create-postgres-signals.ts';
import { signalsOf } from '../../src/signals/signals-of.ts';
import { insertTestJob, resultsTemplate, SCHEMA } from '../results/each-database.ts';
import { advance, caller, createFollowedPlatform, ORG_ID } from './followed-platform.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** The test's own handle, and one whose statements are counted for those who follow. */
async function openFollowedDatabase() {
  const database = await createPostgresDatabase(resultsTemplate);
  const results = openResultsDatabase(database.db, { schema: SCHEMA });
  const statements: string[] = [];
  const pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => {});
  pool.on('connect', (client) => void client.on('error', () => {}));
  const counted = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool }),
    log: ({ query }) => void statements.push(query.sql),
  });
  return {
    ...database,
    results,
    counted,
    /** Reads of timelines, permission checks left out. */
    reads: () => statements.filter((text) => text.includes('job_events')).length,
    async [Symbol.asyncDispose]() {
      await counted.destroy();
      await database[Symbol.asyncDispose]();
    },
  };
}

test('a thousand followers are served by one statement a change and one a poll, not by one each', async () => {
  await using host = await openFollowedDatabase();
  const platform = createFollowedPlatform(host.counted);
  const jobIds = await Promise.all(numbers(50).map(() => insertTestJob(host.results)));
  const stop = new AbortController();
  const seen = new Map<number, number[]>();
  const followers = numbers(1_000).map(async (follower) => {
    const mine: number[] = [];
    seen.set(follower, mine);
    const jobId = jobIds[follower % jobIds.length] ?? '';
    for await (const { seq } of followJob(platform, caller, { jobId, signal: stop.signal })) mine.push(seq);
  });
  const all = (count: number) =>
    expect.poll(() => [...seen.values()].every((mine) => mine.length === count), { timeout: 20_000 }).toBe(true);
  await Promise.all(jobIds.map((jobId) => advance(host.results, { jobId, events: ['QUEUED'] })));
  signalsOf(platform).publish(
    'job.changed',
    jobIds.map((jobId) => ({ orgId: ORG_ID, jobId })),
  );
  await all(1);

  const before = host.reads();
  const began = performance.now();
  for (const round of numbers(3)) {
    await Promise.all(jobIds.map((jobId) => advance(host.results, { jobId, events: ['TASK_STARTED'] })));
    for (const jobId of jobIds) signalsOf(platform).publish('job.changed', [{ orgId: ORG_ID, jobId }]);
    await all(1 + round);
  }
  await setTimeout(1_200);
  const polls = Math.ceil((performance.now() - began) / 1_000);
  // A change is read in two when it falls into a read that is under way.
  expect(host.reads() - before).toBeLessThanOrEqual(3 * 2 + polls);

  await Promise.all(jobIds.map((jobId) => advance(host.results, { jobId, events: ['CANCELED'], end: true })));
  await Promise.all(followers);
  expect([...seen.values()].every((mine) => mine.join() === '1,2,3,4,5')).toBe(true);
  const after = host.reads();
  await setTimeout(1_200);
  expect(host.reads()).toBe(after);
});

test.each(['signals', 'none'])('a follower in another process sees what this one writes, with %s', async (kind) => {
  await using host = await openFollowedDatabase();
  const metadata = { connectionString: host.url };
  await using signals = createPostgresSignals({ metadata });
  const jobId = await insertTestJob(host.results);
  await advance(host.results, { jobId, events: ['QUEUED'] });
  const script = fileURLToPath(new URL('follower-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, host.url, jobId, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await expect.poll(() => lines, { timeout: 20_000 }).toEqual(['1 QUEUED']);
  const write = async (event: string, end = false) => {
    await advance(host.results, { jobId, events: [event], end });
    if (kind === 'signals') signals.publish('job.changed', [{ orgId: ORG_ID, jobId }]);
    // Shorter than the poll that stands behind signals: it was the signal that told.
    await expect.poll(() => lines.at(-1), { timeout: kind === 'signals' ? 1_500 : 10_000 }).toMatch(event);
  };
  for (const event of ['STARTED', 'TASK_STARTED', 'TASK_COMPLETED']) await write(event);
  await write('CANCELED', true);
  expect(await exit).toEqual([0, null]);
  expect(lines).toEqual(['1 QUEUED', '2 STARTED', '3 TASK_STARTED', '4 TASK_COMPLETED', '5 CANCELED']);
});

test('followers whose process lost its connections go on behind the last event they saw', async () => {
  await using host = await openFollowedDatabase();
  await using signals = createPostgresSignals({ metadata: { connectionString: host.url } });
  const platform = createFollowedPlatform(host.counted, { signals });
  const jobId = await insertTestJob(host.results);
  const followed = Array.fromAsync(followJob(platform, caller, { jobId }));
  const ended = waitForJob(platform, caller, { jobId });
  await expect.poll(host.reads).toBeGreaterThan(0);
  for (const event of ['QUEUED', 'STARTED']) {
    await advance(host.results, { jobId, events: [event] });
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(host.db);
  }
  await advance(host.results, { jobId, events: ['CANCELED'], end: true });
  expect((await followed).map(({ seq, event }) => `${seq} ${event}`)).toEqual(['1 QUEUED', '2 STARTED', '3 CANCELED']);
  expect(await ended).toBe('CANCELED');
});

test('followers that come and go while eight connections write see every event once, in order', async () => {
  await using host = await openFollowedDatabase();
  const platform = createFollowedPlatform(host.counted);
  const jobId = await insertTestJob(host.results);
  const follow = async (most: number) => {
    const seen: number[] = [];
    for (let isOver = false; !isOver; ) {
      let taken = 0;
      isOver = true;
      const events = followJob(platform, caller, { jobId, afterSeq: seen.at(-1) });
      for await (const { seq } of events) {
        seen.push(seq);
        if (++taken < most) continue;
        isOver = false;
        break;
      }
    }
    return seen;
  };
  const followers = [7, 40, Number.POSITIVE_INFINITY].map(follow);
  const writer = async () => {
    for (let commit = 0; commit < 40; commit++) {
      await advance(host.results, { jobId, events: ['A', 'B', 'C'] });
      signalsOf(platform).publish('job.changed', [{ orgId: ORG_ID, jobId }]);
    }
  };
  await Promise.all(numbers(8).map(writer));
  await advance(host.results, { jobId, events: ['CANCELED'], end: true });
  for (const seen of await Promise.all(followers)) expect(seen).toEqual(numbers(961));
});
