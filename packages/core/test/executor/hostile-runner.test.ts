import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelJob,
  Executor,
  type ExecutorOptions,
  followJob,
  getJobResults,
  type JsonObject,
  listTaskExecutions,
  newId,
  type PipelineSpecInput,
  publishPipeline,
  submitJob,
  submitJobs,
  TaskFailedError,
} from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

const DIGEST = 'a'.repeat(64);
const failed = (facts: object) =>
  new TaskFailedError({ ...{ failureCode: 'ODD', message: 'odd', retryable: false }, ...facts } as never);

describe('a task runner that answers anything', () => {
  let host: TestPlatform;
  let executor: Executor;
  let hangs: boolean;
  const odd: Record<string, () => unknown> = {
    null: () => null,
    text: () => 'text',
    bigint: () => ({ n: 1n }),
    cycle: () => {
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      return cycle;
    },
    code: () => {
      throw failed({ failureCode: 1n });
    },
    details: () => {
      const details: Record<string, unknown> = {};
      details.self = details;
      throw failed({ details });
    },
    throw: () => {
      throw null;
    },
  };
  const tasks = createTestTasks({
    odd: ({ kind }) => odd[String(kind)]?.() as JsonObject,
    good: () => ({ good: true }),
    file: ({ size }) => ({ f: { $artifact: DIGEST, contentType: 'text/plain', sizeBytes: size ?? null } }),
    mutate: () => {
      const result: Record<string, unknown> = { kept: 1 };
      setImmediate(() => Object.assign(result, { kept: 2, n: 1n }));
      return result as JsonObject;
    },
    report: (_request, { onProgress }) => {
      for (const fraction of [1n, 'x', Number.NaN, 0.5]) onProgress?.(fraction as number);
      return {};
    },
  });
  const { prepare } = tasks;
  tasks.prepare = async (orgId, call) => {
    if (call.request.task === 'hang' && hangs) await new Promise(() => {});
    if (call.request.kind === 'prepare') return undefined as never;
    return prepare(orgId, call);
  };

  beforeAll(async () => {
    host = await openTestPlatform('pglite', createTestTasksWithHang());
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    hangs = true;
    tasks.calls.length = 0;
    start();
  });
  afterEach(async () => {
    await executor[Symbol.asyncDispose]();
  });

  function createTestTasksWithHang() {
    const { resolve } = tasks;
    tasks.resolve = (orgId, task) => resolve(orgId, task.startsWith('hang') ? 'good@^1' : task);
    return tasks;
  }

  function start(options: ExecutorOptions = {}): void {
    executor = new Executor(host.platform, { recoverEveryMs: 200, stopGraceMs: 0, ...options });
    executor.start();
  }

  async function submit(spec: Omit<PipelineSpecInput, 'version'>): Promise<string> {
    const name = `p-${newId()}`;
    await publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec: { version: 1, ...spec } });
    return (await submitJob(host.platform, host.caller, { pipeline: name })).jobId;
  }

  async function endOf(jobId: string) {
    const signal = AbortSignal.timeout(15_000);
    const events = await Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal }));
    const { status, error, taskResults } = await getJobResults(host.platform, host.caller, { jobId });
    const open = (await listTaskExecutions(host.results, { jobId })).filter((row) => row.status === 'RUNNING');
    return { status, code: error?.code, taskResults, last: events.at(-1)?.event, open: open.length };
  }

  test.each([...Object.keys(odd), 'prepare'])('fails its own job once: %s', async (kind) => {
    const jobId = await submit({ tasks: [step('odd', { parameters: { task: 'odd', kind } })] });
    expect(await endOf(jobId)).toMatchObject({ status: 'FAILED', last: 'FAILED', open: 0 });
    expect(tasks.calls.length).toBeLessThanOrEqual(1);
  });

  test.each([1.5, '"x"', -1])('an output that is no file the database takes ends its job: size %s', async (size) => {
    const outputs = { f: { from: '/steps/file/output/f' } };
    const jobId = await submit({ tasks: [step('file', { parameters: { task: 'file', size } })], outputs });
    expect(await endOf(jobId)).toMatchObject({ status: 'FAILED', last: 'FAILED', open: 0 });
    expect(tasks.calls).toHaveLength(1);
  });

  test('what it does to its answer later changes nothing', async () => {
    const jobId = await submit({ tasks: [step('mutate')] });
    const { status, taskResults } = await endOf(jobId);
    expect([status, taskResults[0]?.resultData]).toEqual(['COMPLETED', { kept: 1 }]);
  });

  test('progress that is no number is not told, and harms nobody', async () => {
    expect(await endOf(await submit({ tasks: [step('report')] }))).toMatchObject({ status: 'COMPLETED' });
  });

  test('one bad job breaks off none of the jobs beside it', async () => {
    await executor[Symbol.asyncDispose]();
    const spec = { version: 1 as const, tasks: [step('good'), step('good-two', { dependsOn: ['good'] })] };
    await publishPipeline(host.platform, host.caller, { name: 'good', version: '1.0.0', spec });
    const outcomes = await submitJobs(
      host.platform,
      host.caller,
      Array.from({ length: 6 }, () => ({ pipeline: 'good' })),
    );
    const bad = await submit({ tasks: [step('odd', { parameters: { task: 'odd', kind: 'cycle' } })] });
    start({ concurrency: 10 });
    const ends = await Promise.all(outcomes.map(({ job }) => endOf(job?.jobId ?? '')));
    expect(ends.map(({ status }) => status)).toEqual(Array(6).fill('COMPLETED'));
    expect((await endOf(bad)).status).toBe('FAILED');
    expect(tasks.calls.filter(({ stepName }) => stepName.startsWith('good'))).toHaveLength(12);
  });

  test('a request that is never made holds up neither a cancel, a timeout nor the end of the executor', async () => {
    const hang = (more: object = {}) => ({ tasks: [step('hang')], ...more });
    const late = await submit(hang({ timeoutMs: 300 }));
    expect(await endOf(late)).toMatchObject({ status: 'FAILED', code: 'TIMEOUT' });
    const canceled = await submit(hang());
    await new Promise((resolve) => setTimeout(resolve, 200));
    await cancelJob(host.platform, host.caller, { jobId: canceled });
    expect(await endOf(canceled)).toMatchObject({ status: 'CANCELED' });
    const waiting = await submit(hang());
    await new Promise((resolve) => setTimeout(resolve, 200));
    await executor[Symbol.asyncDispose]();
    expect((await getJobResults(host.platform, host.caller, { jobId: waiting })).status).toBe('PENDING');
    hangs = false;
    start();
    expect(await endOf(waiting)).toMatchObject({ last: expect.stringMatching(/COMPLETED|FAILED/) });
  });
});
