import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  cancelJob,
  createInProcessQueue,
  Executor,
  followJob,
  isInterruption,
  type JobEvent,
  listTaskExecutions,
  newId,
  publishPipeline,
  submitJob,
  type TaskCall,
  TaskFailedError,
  type TaskRunner,
} from '../../src/index.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

const SERVICE_ID = newId();
let host: TestPlatform;
let executor: Executor;
let behave: (call: TaskCall) => Promise<void>;
const canceled: string[] = [];
const tasks = {
  ...createTestTasks({
    dock: async (_, call) => {
      await behave(call);
      return {};
    },
  }),
  cancel: async (...[, { accepted }]: Parameters<NonNullable<TaskRunner['cancel']>>) =>
    void canceled.push(accepted.externalId),
};

beforeAll(async () => {
  host = await openTestPlatform('pglite', tasks);
  await publishPipeline(host.platform, host.caller, {
    ...{ name: 'docking', version: '1.0.0' },
    spec: { version: 1, tasks: [step('dock', { retry: { attempts: 3, backoffMs: 1 } })] },
  });
  await publishPipeline(host.platform, host.caller, {
    ...{ name: 'patient', version: '1.0.0' },
    spec: { version: 1, tasks: [step('dock', { retry: { attempts: 3, backoffMs: 60_000 } })] },
  });
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(() => {
  tasks.calls.length = 0;
  canceled.length = 0;
  start();
});
afterEach(() => executor[Symbol.asyncDispose]());

function start(): void {
  executor = new Executor(host.platform, { leaseMs: 300, recoverEveryMs: 50, stopGraceMs: 50 });
  executor.start();
}

const submit = async () =>
  (await submitJob(host.platform, host.caller, { pipeline: 'docking', useCache: false })).jobId;
const accept = async (call: TaskCall, externalId: string): Promise<void> =>
  call.onAccepted?.({ serviceId: SERVICE_ID, externalId });
const hang = ({ signal }: TaskCall) => setTimeout(60_000, undefined, { signal });

async function eventsOf(jobId: string): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of followJob(host.platform, host.caller, { jobId })) events.push(event);
  return events;
}

/** Takes the lease of a job from its executor, as another one would that holds this one for dead. */
const takeOver = (jobId: string) =>
  host.results
    .updateTable('jobs')
    .set({ fence: sql<number>`fence + 1`, lease_expires_at: new Date(0) })
    .where('job_id', '=', jobId)
    .execute();

test('work that a service had taken over when the lease was lost is handed to the next call, also the second time', async () => {
  const reasons: boolean[] = [];
  behave = async (call) => {
    const round = tasks.calls.length;
    if (round === 1) await accept(call, 'work-1');
    if (round === 3) return;
    await takeOver(call.jobId);
    await hang(call).catch(() => reasons.push(isInterruption(call.signal.reason)));
    call.signal.throwIfAborted();
  };
  const jobId = await submit();
  expect((await eventsOf(jobId)).at(-1)?.event).toBe('COMPLETED');
  const work = { serviceId: SERVICE_ID, externalId: 'work-1' };
  expect(tasks.calls.map((call) => call.accepted)).toEqual([undefined, work, work]);
  expect(new Set(tasks.calls.map((call) => call.idempotencyKey)).size).toBe(1);
  expect(reasons).toEqual([true, true]);
  const [first] = await listTaskExecutions(host.results, { jobId });
  expect(first).toMatchObject({ service_id: SERVICE_ID, external_id: 'work-1' });
});

test('work that a service had taken over is asked for, whoever computes the same by now', async () => {
  await executor[Symbol.asyncDispose]();
  const platform = { ...host.platform, cache: createMemoryCache(), queue: createInProcessQueue() };
  executor = new Executor(platform, { leaseMs: 300, recoverEveryMs: 50, stopGraceMs: 50 });
  executor.start();
  behave = async (call) => {
    if (tasks.calls.length > 1) return;
    await accept(call, 'work-6');
    const flight = { owner: 'another', fence: sql<number>`fence + 1`, lease_expires_at: new Date(Date.now() + 60_000) };
    await host.results.updateTable('cache_flights').set(flight).execute();
    await takeOver(call.jobId);
    await hang(call).catch(() => {});
    call.signal.throwIfAborted();
  };
  const { jobId } = await submitJob(platform, host.caller, { pipeline: 'docking' });
  expect((await eventsOf(jobId)).at(-1)?.event).toBe('COMPLETED');
  expect(tasks.calls.map((call) => call.accepted?.externalId)).toEqual([undefined, 'work-6']);
  await host.results.deleteFrom('cache_flights').execute();
});

test('an executor that stops has the work canceled, and it is sent again', async () => {
  const accepted = Promise.withResolvers<void>();
  const reasons: boolean[] = [];
  behave = async (call) => {
    await accept(call, 'work-4');
    accepted.resolve();
    await hang(call).catch(() => reasons.push(isInterruption(call.signal.reason)));
    call.signal.throwIfAborted();
  };
  const jobId = await submit();
  await accepted.promise;
  await executor[Symbol.asyncDispose]();
  behave = async () => {};
  start();
  expect((await eventsOf(jobId)).at(-1)?.event).toBe('COMPLETED');
  expect(tasks.calls.map((call) => call.accepted)).toEqual([undefined, undefined]);
  expect(reasons).toEqual([false]);
});

test('work at a service that does not answer for a while is asked for again', async () => {
  behave = async (call) => {
    if (tasks.calls.length > 1) return;
    await accept(call, 'work-5');
    throw new TaskFailedError({ failureCode: 'SERVICE_UNAVAILABLE', message: 'away', retryable: true });
  };
  expect((await eventsOf(await submit())).at(-1)?.event).toBe('COMPLETED');
  expect(tasks.calls.map((call) => call.accepted)).toEqual([
    undefined,
    { serviceId: SERVICE_ID, externalId: 'work-5' },
  ]);
});

test('work that was lost at its service is not asked for again', async () => {
  behave = async (call) => {
    if (tasks.calls.length > 1) return;
    await accept(call, 'work-2');
    throw new TaskFailedError({ failureCode: 'EXECUTION_LOST', message: 'gone', retryable: true });
  };
  expect((await eventsOf(await submit())).at(-1)?.event).toBe('COMPLETED');
  expect(tasks.calls.map((call) => call.accepted)).toEqual([undefined, undefined]);
});

test('a call whose job went to another executor can note nothing, and does not fail the job', async () => {
  const noted: unknown[] = [];
  behave = async (call) => {
    if (tasks.calls.length > 1) return;
    await host.results
      .updateTable('jobs')
      .set({ fence: 7, lease_expires_at: new Date(0) })
      .where('job_id', '=', call.jobId)
      .execute();
    await accept(call, 'work-3').catch((error: unknown) => {
      noted.push(error);
      throw error;
    });
  };
  expect((await eventsOf(await submit())).at(-1)?.event).toBe('COMPLETED');
  expect(noted).toMatchObject([{ code: 'MAD_CORE_LEASE_LOST' }]);
  expect(tasks.calls.map((call) => call.accepted)).toEqual([undefined, undefined]);
});

test('work of an executor that is gone is canceled where the job was canceled meanwhile', async () => {
  const dead = Promise.withResolvers<void>();
  behave = async (call) => {
    await accept(call, 'work-7');
    dead.resolve();
    await hang(call);
  };
  const jobId = await submit();
  await dead.promise;
  await takeOver(jobId);
  await cancelJob(host.platform, host.caller, { jobId });
  expect((await eventsOf(jobId)).at(-1)?.event).toBe('CANCELED');
  expect(canceled).toContain('work-7');
});

test('work that outlived its attempt is canceled with the job between two attempts', async () => {
  const failed = Promise.withResolvers<void>();
  behave = async (call) => {
    await accept(call, 'work-8');
    failed.resolve();
    throw new TaskFailedError({ failureCode: 'CONNECTION_LOST', message: 'broken', retryable: true });
  };
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'patient', useCache: false });
  await failed.promise;
  await setTimeout(50);
  await cancelJob(host.platform, host.caller, { jobId });
  expect((await eventsOf(jobId)).at(-1)?.event).toBe('CANCELED');
  expect(canceled).toEqual(['work-8']);
});
