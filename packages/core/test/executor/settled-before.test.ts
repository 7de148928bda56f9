import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Executor, getJobResults, newId, publishPipeline, submitJob, TaskFailedError } from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

let host: TestPlatform;
const reached = Promise.withResolvers<void>();
const tasks = createTestTasks({
  list: () => ({ items: ['slow', 'bad'] }),
  dock: async ({ ligand }, { signal }) => {
    if (ligand === 'slow') await setTimeout(60_000, undefined, { signal });
    throw new TaskFailedError({ failureCode: 'INVALID_LIGAND', message: 'no ligand', retryable: false });
  },
  gated: async (_request, { signal, attempt }) => {
    reached.resolve();
    if (attempt === 0) await setTimeout(60_000, undefined, { signal });
    return {};
  },
});

beforeAll(async () => {
  host = await openTestPlatform('pglite', tasks);
});
afterAll(() => host[Symbol.asyncDispose]());

test('a job that goes on elsewhere does not call the items again that were stopped when their step failed', async () => {
  const dock = {
    forEach: { items: { from: '/steps/list/output/items' } },
    inputs: { ligand: { from: '/item' } },
    onFailure: 'continue',
  };
  const spec = {
    version: 1 as const,
    tasks: [step('list'), step('dock', dock), step('gated', { dependsOn: ['dock'] })],
  };
  const name = `p-${newId()}`;
  await publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec });
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: name });
  const options = { recoverEveryMs: 50, stopGraceMs: 0 };
  const first = new Executor(host.platform, options);
  first.start();
  await reached.promise;
  await first[Symbol.asyncDispose]();
  tasks.calls.length = 0;

  await using second = new Executor(host.platform, options);
  second.start();
  const isOver = async () => (await getJobResults(host.platform, host.caller, { jobId })).status;
  await expect.poll(isOver, { timeout: 8_000 }).toBe('COMPLETED');
  expect(tasks.calls.map(({ stepName }) => stepName)).toEqual(['gated']);
});
