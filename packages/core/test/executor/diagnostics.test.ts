import { channel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  cancelJob,
  EXECUTOR_POINTS,
  Executor,
  type ExecutorPoint,
  followJob,
  newId,
  type PipelineSpecInput,
  publishPipeline,
  submitJob,
  subscribeExecutor,
  TaskFailedError,
} from '../../src/index.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createTestTasks, openTestPlatform, step } from './test-platform.ts';

const guide = readFileSync(new URL('../../../../docs/guides/observe.md', import.meta.url), 'utf8');
const rows = [...guide.matchAll(/^\| `mad:([a-z.]+)` \|.*\| (.+) \|$/gm)];
const documented = Object.fromEntries(
  rows.map(([, point = '', facts = '']) => [point, facts.replaceAll('`', '').split(' ').toSorted()]),
);

test('the guide lists every point, in their order, and no other', () => {
  expect(rows.map(([, point]) => point)).toEqual([...EXECUTOR_POINTS]);
});

test('every point tells the facts that the guide names, and each attempt and run has one end', async () => {
  const told: { point: ExecutorPoint; facts: object }[] = [];
  const subscriptions = EXECUTOR_POINTS.map((point) =>
    subscribeExecutor(point, (facts) => void told.push({ point, facts })),
  );
  const tasks = createTestTasks({
    echo: () => ({}),
    slow: async () => {
      await setTimeout(300);
      return {};
    },
    flaky: (_request, { attempt }) => {
      if (attempt === 0) throw new TaskFailedError({ failureCode: 'BUSY', message: 'busy', retryable: true });
      return {};
    },
    hang: async (_request, { signal }) => {
      await setTimeout(60_000, undefined, { signal });
      return {};
    },
  });
  await using host = await openTestPlatform('pglite', tasks);
  const platform = { ...host.platform, cache: createMemoryCache() };
  const submit = async (steps: PipelineSpecInput['tasks'], pipeline = `p-${newId()}`): Promise<string> => {
    await publishPipeline(platform, host.caller, {
      name: pipeline,
      version: '1.0.0',
      spec: { version: 1, tasks: steps },
    });
    return (await submitJob(platform, host.caller, { pipeline })).jobId;
  };
  const follow = async (jobId: string, last?: string): Promise<void> => {
    const signal = AbortSignal.timeout(20_000);
    for await (const { event } of followJob(platform, host.caller, { jobId, signal })) if (event === last) return;
  };
  const start = (): Executor => {
    const executor = new Executor(platform, { recoverEveryMs: 50, leaseMs: 300, stopGraceMs: 0 });
    executor.start();
    return executor;
  };
  {
    await using _executor = start();
    const steps = [
      step('echo'),
      step('flaky', { dependsOn: ['echo'], cache: 'off', retry: { attempts: 2, backoffMs: 1 } }),
      step('echo-never', { when: { from: '/steps/echo/output/value', exists: true } }),
    ];
    await follow(await submit(steps));
    await follow(await submit(steps));
    await Promise.all([await submit([step('slow')]), await submit([step('slow')])].map((jobId) => follow(jobId)));
    const canceled = await submit([step('hang')]);
    await follow(canceled, 'TASK_STARTED');
    await expect.poll(() => told.some(({ point }) => point === 'lease.renewed')).toBe(true);
    await cancelJob(platform, host.caller, { jobId: canceled });
    await follow(canceled);
    await follow(await submit([step('hang')]), 'TASK_STARTED');
  }
  for (const subscription of subscriptions) subscription[Symbol.dispose]();

  const facts = new Map<string, string[]>();
  for (const each of told) facts.set(each.point, Object.keys(each.facts).toSorted());
  expect(Object.fromEntries(facts)).toEqual(documented);
  const count = (...points: ExecutorPoint[]) => told.filter(({ point }) => points.includes(point)).length;
  expect(count('attempt.started')).toBeGreaterThan(5);
  expect(count('attempt.answered', 'attempt.failed', 'attempt.canceled')).toBe(count('attempt.started'));
  expect(count('job.closed', 'job.interrupted')).toBe(count('job.claimed'));
  expect(EXECUTOR_POINTS.filter((point) => channel(`mad:${point}`).hasSubscribers)).toEqual([]);
});
