import { expect, onTestFinished, test } from 'vitest';
import { Executor, publishPipeline, submitJob, waitForJob } from '../../src/index.ts';
import { createTestTasks, OTHER_ORG_ID, openTestPlatform, step } from './test-platform.ts';

test('an organization whose results database lies elsewhere now is run there, while the executor goes on', async () => {
  const host = await openTestPlatform('pglite', createTestTasks({ count: () => ({ n: 1 }) }));
  onTestFinished(() => host[Symbol.asyncDispose]());
  const elsewhere = await host.platform.results.get(OTHER_ORG_ID);
  let place = host.results;
  const platform = { ...host.platform, results: { get: async () => place } };
  const spec = { version: 1 as const, tasks: [step('count')] };
  await publishPipeline(platform, host.caller, { name: 'counting', version: '1.0.0', spec });
  await using executor = new Executor(platform);
  executor.start();
  const run = async () => {
    const { jobId } = await submitJob(platform, host.caller, { pipeline: 'counting' });
    return waitForJob(platform, host.caller, { jobId, signal: AbortSignal.timeout(20_000) });
  };
  expect(await run()).toBe('COMPLETED');
  place = elsewhere;
  expect(await run()).toBe('COMPLETED');
  for (const db of [host.results, elsewhere])
    expect(await db.selectFrom('jobs').select('status').execute()).toEqual([{ status: 'COMPLETED' }]);
});
