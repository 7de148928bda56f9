import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createInProcessQueue,
  Executor,
  type JsonObject,
  MadError,
  type Platform,
  publishPipeline,
  retryJob,
  type SubmitJob,
  submitJob,
  TaskFailedError,
  type TaskRunner,
  waitForJob,
} from '../../src/index.ts';
import { createMemoryCache, type MemoryCache } from './memory-cache.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

let host: TestPlatform;
let platform: Platform;
let executor: Executor;
let cache: MemoryCache;
let answer: JsonObject;
let failures = 0;
/** What the last step answers; undefined: it fails. */
let finish: JsonObject | undefined;
/** Tasks whose next call finds their runner's database away. */
const away = { dock: false, fin: false };
let seeds = { minimum: 5, maximum: 9 };
/** What a runner throws when its database is away. */
class AwayError extends MadError {
  static override readonly code = 'MAD_TEST_AWAY';
  static override readonly retryable = true;
}
const failOnce = (task: keyof typeof away): void => {
  if (!away[task]) return;
  away[task] = false;
  throw new AwayError({ message: 'away for now' });
};
const tasks = createTestTasks({
  fin: () => {
    failOnce('fin');
    if (!finish) throw new TaskFailedError({ failureCode: 'BROKEN', message: 'broken', retryable: false });
    return finish;
  },
  dock: () => {
    failOnce('dock');
    if (failures-- > 0) throw new TaskFailedError({ failureCode: 'BUSY', message: 'busy', retryable: true });
    return answer;
  },
});
/** The task takes a seed, and asks for none. */
const seededTasks: TaskRunner = {
  ...tasks,
  run: (call) => tasks.run(call),
  async prepare(orgId, call) {
    const prepared = await tasks.prepare(orgId, call);
    return { ...prepared, missingSeed: { pointer: '/options/seed', ...seeds } };
  },
};

beforeAll(async () => {
  host = await openTestPlatform('pglite', seededTasks);
  const spec = (more: object) => ({
    ...{ version: 1 as const, docking: { poses: { from: '/steps/dock/output/poses' } } },
    tasks: [step('dock', { retry: { attempts: 3, backoffMs: 1 } })],
    ...more,
  });
  const publish = (name: string, more: object) =>
    publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec: spec(more) });
  await publish('strict', { cache: { minConfidence: 0.6, acceptStochastic: true } });
  await publish('plain', {});
  await publish('serving', { cache: { suspicious: 'serve' } });
  await publish('fresh', { tasks: [step('dock', { cache: 'refresh' })] });
  await publish('uncached', { tasks: [step('dock', { cache: 'off' })] });
  for (const onFailure of ['fail', 'continue'])
    await publish(`finished-${onFailure}`, { tasks: [step('dock'), step('fin', { dependsOn: ['dock'], onFailure })] });
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});
beforeEach(() => {
  tasks.calls.length = 0;
  failures = 0;
  finish = {};
  seeds = { minimum: 5, maximum: 9 };
  answer = { poses: [{ rank: 1, affinity: -7 }] };
  cache = createMemoryCache();
  platform = { ...host.platform, cache, queue: createInProcessQueue() };
  executor = new Executor(platform, { concurrency: 1 });
  executor.start();
});
afterEach(async () => {
  await executor[Symbol.asyncDispose]();
});

async function run(request: SubmitJob): Promise<string> {
  const { jobId } = await submitJob(platform, host.caller, request);
  await waitForJob(platform, host.caller, { jobId });
  return jobId;
}

test('a seed is drawn where the request has none, the same for every attempt, told, and not part of what is asked', async () => {
  failures = 2;
  const jobId = await run({ pipeline: 'plain' });
  const seeds = tasks.calls.map(({ request }) => (request.options as JsonObject).seed);
  expect(seeds).toHaveLength(3);
  expect(new Set(seeds).size).toBe(1);
  expect(seeds[0]).toBeGreaterThanOrEqual(5);
  expect(seeds[0]).toBeLessThanOrEqual(9);
  const started = await host.results
    .selectFrom('job_events')
    .select('metadata')
    .where('job_id', '=', jobId)
    .where('event', '=', 'TASK_STARTED')
    .execute();
  expect(started.map(({ metadata }) => metadata.seed)).toEqual(seeds);
  expect(cache.recorded.find(({ taskName }) => taskName === 'dock')?.producer.seed).toBe(seeds[0]);
  await run({ pipeline: 'plain' });
  expect(tasks.calls).toHaveLength(3);
});

test('each job draws a seed of its own, and one that was broken off goes on with the seed it had', async () => {
  seeds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
  away.dock = true;
  await run({ pipeline: 'plain' });
  await run({ pipeline: 'plain', useCache: false });
  const [first, again, other] = tasks.calls.map(({ request }) => (request.options as JsonObject).seed);
  expect(tasks.calls).toHaveLength(3);
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test('a step that refreshes computes anew and is recorded; one without the cache neither asks it nor is recorded', async () => {
  await run({ pipeline: 'plain' });
  const dock = () => cache.recorded.filter(({ taskName }) => taskName === 'dock').length;
  cache.asked.length = 0;
  await run({ pipeline: 'fresh' });
  await run({ pipeline: 'fresh' });
  expect([tasks.calls.length, dock()]).toEqual([3, 3]);
  await run({ pipeline: 'uncached' });
  expect([tasks.calls.length, dock()]).toEqual([4, 3]);
  expect(cache.asked).toEqual([]);
});

test.each([
  ['an absurd score', { poses: [{ rank: 1, affinity: 13_660 }] }],
  ['no poses', { poses: [] }],
])('a docking result with %s is computed again, unless the pipeline says otherwise', async (_name, suspicious) => {
  answer = suspicious;
  await run({ pipeline: 'plain' });
  await run({ pipeline: 'plain' });
  expect(tasks.calls).toHaveLength(2);
  expect(cache.recorded).toEqual([]);
  await run({ pipeline: 'serving' });
  await run({ pipeline: 'serving' });
  expect(tasks.calls).toHaveLength(3);
  // What another pipeline was content with is not good enough for this one.
  await run({ pipeline: 'plain' });
  expect(tasks.calls).toHaveLength(4);
});

test('a job that goes on behind a suspicious result is not remembered as a whole either', async () => {
  answer = { poses: [{ rank: 1, affinity: 13_660 }] };
  away.fin = true;
  await run({ pipeline: 'finished-fail' });
  expect(tasks.calls.map(({ request }) => request.task)).toEqual(['dock', 'fin', 'fin']);
  expect(cache.recorded.map(({ taskName }) => taskName)).toEqual(['fin']);
});

test.each([
  ['a step of before it was broken off', [0.4, 0.9], true],
  ['the first step', [0.4, 0.9], false],
  ['the last step', [0.9, 0.4], false],
])('a whole job is as sure as its least certain step: %s', async (_name, [first, last], breaksOff) => {
  answer = { ...answer, confidence_score: first ?? null };
  finish = { confidence_score: last ?? null };
  away.fin = breaksOff;
  await run({ pipeline: 'finished-fail' });
  expect(cache.recorded.find(({ taskName }) => taskName === '*')?.confidenceScore).toBe(0.4);
});

test('a job in which a failure was passed over is not remembered as a whole', async () => {
  finish = undefined;
  const jobId = await run({ pipeline: 'finished-continue' });
  const row = await host.results.selectFrom('jobs').select('status').where('job_id', '=', jobId).executeTakeFirst();
  expect(row?.status).toBe('COMPLETED');
  expect(cache.recorded.map(({ taskName }) => taskName)).toEqual(['dock']);
});

test('what a caller asks of a result goes before what the pipeline asks', async () => {
  await run({ pipeline: 'strict' });
  await run({ pipeline: 'strict', minConfidence: 0.2, acceptStochastic: false });
  await run({ pipeline: 'plain' });
  const asked = cache.asked.map(({ minConfidence, acceptStochastic }) => [minConfidence, acceptStochastic]);
  expect(asked[0]).toEqual([0.6, true]);
  expect(asked).toContainEqual([0.2, false]);
  expect(asked.at(-1)).toEqual([undefined, false]);
  expect(new Set(asked.map(String)).size).toBe(3);
});

test('every file that a whole job shows belongs to what is remembered of it, those of its steps too', async () => {
  const file = { $artifact: 'a'.repeat(64), contentType: 'chemical/x-pdbqt', sizeBytes: 7 };
  answer = { poses: [{ rank: 1, affinity: -7 }], models: { best: file } };
  await run({ pipeline: 'plain' });
  const whole = cache.recorded.find(({ taskName }) => taskName === '*');
  expect(whole?.artifacts).toEqual({
    '/dock/output/models/best': { uri: expect.stringContaining(file.$artifact), sizeBytes: 7 },
  });
});

test('what neither caller nor pipeline ask the cache asks, and a fork asks what its job did', async () => {
  platform = { ...platform, cache: { ...cache, minConfidence: 0.3 } };
  const demandsOf = async (jobId: string) => {
    const row = await host.results.selectFrom('jobs').select('cache').where('job_id', '=', jobId).executeTakeFirst();
    return [row?.cache?.min_confidence, row?.cache?.accept_stochastic];
  };
  const submitted = await submitJob(platform, host.caller, { pipeline: 'plain', acceptStochastic: true });
  expect(await demandsOf(submitted.jobId)).toEqual([0.3, true]);
  await waitForJob(platform, host.caller, submitted);
  const { jobId } = await retryJob(platform, host.caller, { jobId: submitted.jobId });
  expect(await demandsOf(jobId)).toEqual([0.3, true]);
  const strict = await submitJob(platform, host.caller, { pipeline: 'strict' });
  expect(await demandsOf(strict.jobId)).toEqual([0.6, true]);
  for (const left of [jobId, strict.jobId]) await waitForJob(platform, host.caller, { jobId: left });
});

test('a result that is recorded between the look into the cache and the claim of the flight is taken', async () => {
  await run({ pipeline: 'plain' });
  const known = cache.recorded.length;
  const find = cache.find.bind(cache);
  let asked = 0;
  platform = {
    ...platform,
    cache: {
      ...cache,
      find: async (results, lookup) => {
        asked++;
        // What it was before its holder committed.
        return asked === 1 ? { outcome: 'miss', reason: 'no_entry' } : find(results, lookup);
      },
    },
  };
  await using late = new Executor(platform, { concurrency: 1 });
  await executor[Symbol.asyncDispose]();
  late.start();
  await run({ pipeline: 'plain' });
  expect(asked).toBe(2);
  expect(tasks.calls).toHaveLength(1);
  expect(cache.recorded.filter(({ taskName }) => taskName === 'dock')).toHaveLength(known > 0 ? 1 : 0);
  const flights = host.results.selectFrom('cache_flights').select('cache_key').where('task_name', '=', 'dock');
  expect(await flights.execute()).toEqual([]);
});
