import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import {
  Executor,
  followJob,
  getJob,
  getJobResults,
  listTaskExecutions,
  publishPipeline,
  submitJob,
} from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step } from './test-platform.ts';

const SPEC = {
  version: 1 as const,
  tasks: [step('prepare'), step('dock', { inputs: { ligand: { from: '/steps/prepare/output/ligand' } } })],
};

test('a job whose executor is killed resumes behind its last commit, without calling the committed step again', async () => {
  const tasks = createTestTasks({
    prepare: () => ({ ligand: 'again' }),
    dock: ({ ligand }) => ({ from: ligand ?? null }),
  });
  await using host = await openTestPlatform('postgres', tasks);
  await publishPipeline(host.platform, host.caller, { name: 'docking', version: '1.0.0', spec: SPEC });
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'docking' });

  const child = spawnExecutor(host.url ?? '');
  const [key] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'exit');

  await using executor = new Executor(host.platform, { recoverEveryMs: 50 });
  executor.start();
  const events = await Array.fromAsync(
    followJob(host.platform, host.caller, { jobId, signal: AbortSignal.timeout(20_000) }),
  );

  expect(events.map(({ event, detail }) => (event.startsWith('TASK') ? `${event} ${detail}` : event))).toEqual([
    ...['QUEUED', 'STARTED', 'TASK_STARTED prepare', 'TASK_COMPLETED prepare', 'TASK_STARTED dock'],
    ...['RESUMED', 'TASK_LOST dock', 'TASK_STARTED dock', 'TASK_COMPLETED dock', 'COMPLETED'],
  ]);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(tasks.calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual([String(key).trim()]);
  const { taskResults } = await getJobResults(host.platform, host.caller, { jobId });
  expect(taskResults[0]?.resultData).toEqual({ from: 'prepared by a process that died' });
  expect(await getJob(host.results, { jobId })).toMatchObject({ status: 'COMPLETED', fence: 2, crash_count: 1 });
  const attempts = (await listTaskExecutions(host.results, { jobId })).filter(({ task_name }) => task_name === 'dock');
  expect(attempts.map(({ status, error }) => [status, error?.code ?? null])).toEqual([
    ['FAILED', 'WORKER_LOST'],
    ['COMPLETED', null],
  ]);
});

test('an executor that wakes up after its lease was taken over writes nothing more', async () => {
  const tasks = createTestTasks({ prepare: () => ({ ligand: 'again' }), dock: () => ({ from: 'the new holder' }) });
  await using host = await openTestPlatform('postgres', tasks);
  await publishPipeline(host.platform, host.caller, { name: 'docking', version: '1.0.0', spec: SPEC });
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'docking' });
  const child = spawnExecutor(host.url ?? '');
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGSTOP');

  await using executor = new Executor(host.platform, { recoverEveryMs: 50 });
  executor.start();
  const follow = () =>
    Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal: AbortSignal.timeout(20_000) }));
  const events = await follow();
  expect(events.at(-1)?.event).toBe('COMPLETED');

  child.stdin?.write('go\n');
  child.kill('SIGCONT');
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  // The zombie has its answer; give it the time in which it would have committed.
  await setTimeout(500);
  expect(await follow()).toEqual(events);
  const { taskResults } = await getJobResults(host.platform, host.caller, { jobId });
  expect(taskResults[0]?.resultData).toEqual({ from: 'the new holder' });
});

test('a database that cuts every connection interrupts a job, which then goes on under the same key', async () => {
  let cut: (() => Promise<unknown>) | undefined;
  const tasks = createTestTasks({
    prepare: () => ({ ligand: 'prepared' }),
    dock: async ({ ligand }) => {
      await cut?.();
      cut = undefined;
      return { from: ligand ?? null };
    },
  });
  await using host = await openTestPlatform('postgres', tasks);
  await publishPipeline(host.platform, host.caller, { name: 'docking', version: '1.0.0', spec: SPEC });
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'docking' });
  cut = async () => {
    const client = new Client({ connectionString: host.url });
    await client.connect();
    // The executor's next commit waits for the row until its connection is cut under it.
    await client.query('begin');
    await client.query('select from org_a.jobs for update');
    void setTimeout(300).then(async () => {
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await client.end();
    });
  };
  await using executor = new Executor(host.platform, { recoverEveryMs: 50, leaseMs: 1_000 });
  executor.start();
  const isOver = async () => (await getJob(host.results, { jobId }).catch(() => undefined))?.status;
  await expect.poll(isOver, { timeout: 20_000 }).toBe('COMPLETED');
  const keys = tasks.calls.map(({ idempotencyKey }) => idempotencyKey);
  expect(keys).toEqual([`${jobId}/prepare/0`, `${jobId}/dock/0`, `${jobId}/dock/0`]);
});

function spawnExecutor(url: string): ChildProcess {
  const script = fileURLToPath(new URL('executor-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, url, '/nonexistent'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
