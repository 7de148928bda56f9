import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelJob, Executor, followJob, newId, publishPipeline, submitJob } from '../../src/index.ts';
import { signalsOf } from '../../src/signals/signals-of.ts';
import {
  callerOf,
  createTestTasks,
  ORG_ID,
  OTHER_ORG_ID,
  openTestPlatform,
  step,
  type TestPlatform,
} from './test-platform.ts';

let host: TestPlatform;
let gate = Promise.withResolvers<void>();
beforeAll(async () => {
  const gated = async () => {
    await gate.promise;
    return {};
  };
  host = await openTestPlatform('pglite', createTestTasks({ gated }));
});
afterAll(() => host[Symbol.asyncDispose]());

test('the status tells of each organization what waits and how long, what runs under which lease, and how much is written together', async () => {
  gate = Promise.withResolvers();
  const submit = async (orgId: string): Promise<string> => {
    const name = `p-${newId()}`;
    const spec = { version: 1 as const, tasks: [step('gated')] };
    await publishPipeline(host.platform, callerOf(orgId), { name, version: '1.0.0', spec });
    return (await submitJob(host.platform, callerOf(orgId), { pipeline: name })).jobId;
  };
  const follow = async (orgId: string, jobId: string, last: string): Promise<void> => {
    const signal = AbortSignal.timeout(20_000);
    for await (const { event } of followJob(host.platform, callerOf(orgId), { jobId, signal }))
      if (event === last) return;
  };
  await using executor = new Executor(host.platform, { concurrency: 2, stopGraceMs: 0, recoverEveryMs: 60_000 });
  expect(await executor.status()).toMatchObject({ running: [], queue: [] });
  executor.start();
  const mine = await submit(ORG_ID);
  const others = await submit(OTHER_ORG_ID);
  await follow(ORG_ID, mine, 'TASK_STARTED');
  await follow(OTHER_ORG_ID, others, 'TASK_STARTED');
  const waiting = await submit(OTHER_ORG_ID);

  const { holder, running, queue } = await executor.status();
  expect(holder).toContain(`/${process.pid}/`);
  const flushes = { count: 1, median: 1, max: 1 };
  expect(running).toEqual([
    { orgId: ORG_ID, jobs: 1, leases: [{ jobId: mine, fence: 1 }], flushes },
    { orgId: OTHER_ORG_ID, jobs: 1, leases: [{ jobId: others, fence: 1 }], flushes },
  ]);
  expect(queue.toSorted((a, b) => a.orgId.localeCompare(b.orgId))).toEqual([
    { orgId: ORG_ID, waiting: 0, running: 1, oldestMs: null },
    { orgId: OTHER_ORG_ID, waiting: 1, running: 1, oldestMs: expect.any(Number) },
  ]);

  await cancelJob(host.platform, callerOf(OTHER_ORG_ID), { jobId: waiting });
  gate.resolve();
  await follow(ORG_ID, mine, 'COMPLETED');
  await follow(OTHER_ORG_ID, others, 'COMPLETED');
  await expect
    .poll(async () => (await executor.status()).running.map(({ jobs, leases }) => [jobs, leases]))
    .toEqual([
      [0, []],
      [0, []],
    ]);
});

test('a signal from outside cancels nothing by itself: the row of the job decides', async () => {
  gate = Promise.withResolvers();
  const name = `p-${newId()}`;
  await publishPipeline(host.platform, host.caller, {
    name,
    version: '1.0.0',
    spec: { version: 1, tasks: [step('gated')] },
  });
  await using executor = new Executor(host.platform, { stopGraceMs: 0, recoverEveryMs: 60_000 });
  executor.start();
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: name });
  const events: string[] = [];
  const followed = (async () => {
    for await (const { event } of followJob(host.platform, host.caller, {
      jobId,
      signal: AbortSignal.timeout(20_000),
    })) {
      events.push(event);
      if (event !== 'TASK_STARTED') continue;
      signalsOf(host.platform).publish('job.cancel', [{ orgId: ORG_ID, jobId, isForeign: true }]);
      // Longer than a signal takes on its way, and the look into the row.
      setTimeout(gate.resolve, 500);
    }
  })();
  await followed;
  expect(events.at(-1)).toBe('COMPLETED');
});
