import { expect, test } from 'vitest';
import { Executor, followJob, MadError, publishPipeline, submitJob, TaskFailedError } from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step } from './test-platform.ts';

/** A store or service registry that is away: the same call may succeed later. */
class Away extends MadError {
  static override readonly code = 'MAD_TEST_AWAY';
  static override readonly retryable = true;
}

test('a runner whose own store is away interrupts the job, also between attempts and beside other steps, and the job goes on when it is back', async () => {
  let faults = 2;
  const tasks = createTestTasks({
    dock: () => {
      if (faults-- > 0) throw new Away({ message: 'the store is away' });
      return { done: true };
    },
    slow: async (_request, { signal }) => {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, 50);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      });
      return {};
    },
    flaky: (_request, { attempt }) => {
      if (attempt === 0) throw new TaskFailedError({ failureCode: 'BUSY', message: 'busy', retryable: true });
      return {};
    },
  });
  await using host = await openTestPlatform('pglite', tasks);
  await using executor = new Executor(host.platform, { recoverEveryMs: 100, stopGraceMs: 0 });
  executor.start();
  const retry = { attempts: 3, backoffMs: 20, jitter: 0 };
  const spec = { version: 1 as const, tasks: [step('slow'), step('dock', { retry }), step('flaky', { retry })] };
  await publishPipeline(host.platform, host.caller, { name: 'away', version: '1.0.0', spec });
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'away' });
  const signal = AbortSignal.timeout(20_000);
  const events = await Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal }));
  expect(events.at(-1)?.event).toBe('COMPLETED');
  expect(events.filter(({ event }) => event === 'RESUMED')).toHaveLength(2);
  const keys = tasks.calls.filter(({ stepName }) => stepName === 'dock').map((call) => call.idempotencyKey);
  expect(new Set(keys)).toEqual(new Set([`${jobId}/dock/0`]));
});

test('a request that cannot be made because a store is away loses no answer: the step before is committed first', async () => {
  const tasks = createTestTasks({ dock: () => ({ docked: true }), echo: () => ({}) });
  const { prepare } = tasks;
  let faults = 1;
  tasks.prepare = async (orgId, call) => {
    if (call.request.task === 'echo' && faults-- > 0) throw new Away({ message: 'the registry is away' });
    return prepare(orgId, call);
  };
  await using host = await openTestPlatform('pglite', tasks);
  await using executor = new Executor(host.platform, { recoverEveryMs: 100, stopGraceMs: 0 });
  executor.start();
  const spec = { version: 1 as const, tasks: [step('dock'), step('echo', { dependsOn: ['dock'] })] };
  await publishPipeline(host.platform, host.caller, { name: 'away', version: '1.0.0', spec });
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'away' });
  const signal = AbortSignal.timeout(20_000);
  const events = await Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal }));
  expect(events.at(-1)?.event).toBe('COMPLETED');
  expect(events.map(({ event }) => event)).toContain('RESUMED');
  expect(tasks.calls.map(({ stepName }) => stepName)).toEqual(['dock', 'echo']);
});
