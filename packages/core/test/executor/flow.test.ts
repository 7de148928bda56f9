import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Executor,
  type ExecutorOptions,
  followJob,
  getJobResults,
  type JobEvent,
  type JsonObject,
  listTaskExecutions,
  newId,
  type PipelineSpecInput,
  publishPipeline,
  submitJob,
  TaskFailedError,
} from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

const fail = (failureCode: string, retryable = false) =>
  new TaskFailedError({ failureCode, message: `it said ${failureCode}`, retryable });

describe.each(['pglite', 'postgres'] as const)('the steps of a job on %s', (kind) => {
  let host: TestPlatform;
  let executor: Executor;
  let active: number;
  let mostActive: number;
  let gate: PromiseWithResolvers<void>;
  const tasks = createTestTasks({
    list: ({ items }) => ({ items: items ?? [] }),
    echo: ({ value }) => ({ value: value ?? null }),
    broken: () => {
      throw fail('BROKEN');
    },
    dock: async ({ ligand }) => {
      active++;
      mostActive = Math.max(mostActive, active);
      await setTimeout(5);
      active--;
      if (ligand === 'bad') throw fail('INVALID_LIGAND');
      if (ligand === 'slow') await setTimeout(60_000);
      return { docked: ligand ?? null };
    },
    gated: async () => {
      await gate.promise;
      return {};
    },
    hang: async (_request, { signal }) => {
      await setTimeout(60_000, undefined, { signal });
      return {};
    },
  });

  beforeAll(async () => {
    host = await openTestPlatform(kind, tasks);
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    active = 0;
    mostActive = 0;
    gate = Promise.withResolvers();
    tasks.calls.length = 0;
    start();
  });
  afterEach(async () => {
    await executor[Symbol.asyncDispose]();
  });

  function start(options: ExecutorOptions = {}): void {
    executor = new Executor(host.platform, { recoverEveryMs: 100, stopGraceMs: 0, ...options });
    executor.start();
  }

  async function run(
    spec: Omit<PipelineSpecInput, 'version'>,
    given: { parameters?: JsonObject; deadline?: Date } = {},
  ) {
    const name = `p-${newId()}`;
    await publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec: { version: 1, ...spec } });
    const { jobId } = await submitJob(host.platform, host.caller, { pipeline: name, ...given });
    const signal = AbortSignal.timeout(30_000);
    const events: JobEvent[] = await Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal }));
    const { status, error, taskResults } = await getJobResults(host.platform, host.caller, { jobId });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const outputs = Object.fromEntries(taskResults.map(({ taskName, resultData }) => [taskName, resultData]));
    return {
      jobId,
      status,
      error,
      outputs,
      told: events.map(({ event, detail }) => (event.startsWith('TASK') ? `${event} ${detail}` : event)),
    };
  }

  const list = (items: unknown[]) => step('list', { parameters: { task: 'list', items } });
  const dockEach = (more: object = {}, forEach: object = {}) =>
    step('dock', {
      forEach: { items: { from: '/steps/list/output/items' }, ...forEach },
      inputs: { ligand: { from: '/item' } },
      ...more,
    });
  const gather = (from = '/steps/dock/output') => step('echo', { inputs: { value: { from } } });

  test('a step runs once for each item, within its limit, and the next one sees the outputs in the order of the items', async () => {
    const { status, outputs } = await run({
      tasks: [list(['a', 'b', 'c', 'd', 'e']), dockEach({}, { concurrency: 2 }), gather()],
    });
    expect(status).toBe('COMPLETED');
    expect(outputs.echo).toEqual({ value: ['a', 'b', 'c', 'd', 'e'].map((docked) => ({ docked })) });
    expect(Object.keys(outputs).filter((name) => name.startsWith('dock'))).toEqual([
      'dock[0]',
      'dock[1]',
      'dock[2]',
      'dock[3]',
      'dock[4]',
    ]);
    expect(mostActive).toBe(2);
  });

  test('one bad item fails its job, or is left out where the pipeline says so', async () => {
    const items = ['a', 'bad', 'c'];
    const strict = await run({ tasks: [list(items), dockEach(), gather()] });
    expect(strict).toMatchObject({ status: 'FAILED', error: { code: 'INVALID_LIGAND', step: 'dock[1]' } });
    expect(strict.outputs.echo).toBeUndefined();
    const lenient = await run({ tasks: [list(items), dockEach({}, { onItemFailure: 'skip' }), gather()] });
    expect(lenient.status).toBe('COMPLETED');
    expect(lenient.outputs.echo).toEqual({ value: [{ docked: 'a' }, { docked: 'c' }] });
    expect(lenient.told).toContain('TASK_FAILED dock[1]');
  });

  test('a step without items is done at once', async () => {
    const { status, outputs } = await run({ tasks: [list([]), dockEach(), gather()] });
    expect({ status, echo: outputs.echo }).toEqual({ status: 'COMPLETED', echo: { value: [] } });
  });

  test('keys name the instances, and two of one name fail the step', async () => {
    const byId = { key: '/id' };
    const inputs = { ligand: { from: '/item/id' } };
    const named = await run({ tasks: [list([{ id: 'x' }, { id: 'y' }]), dockEach({ inputs }, byId)] });
    expect(Object.keys(named.outputs)).toEqual(['dock[x]', 'dock[y]', 'list']);
    const twice = await run({ tasks: [list([{ id: 'x' }, { id: 'x' }]), dockEach({ inputs }, byId)] });
    expect(twice).toMatchObject({ status: 'FAILED', error: { code: 'MAD_CORE_VALIDATION_FAILED', step: 'dock' } });
  });

  test('a condition that is not met skips its step alone', async () => {
    const spec = {
      parameters: { type: 'object', properties: { exact: { type: 'boolean', default: false } } },
      tasks: [
        step('list', { when: { from: '/parameters/exact', equals: true } }),
        step('echo', { dependsOn: ['list'] }),
      ],
    };
    const skipped = await run(spec);
    expect(skipped.told).toEqual([
      'QUEUED',
      'STARTED',
      'TASK_SKIPPED list',
      'TASK_STARTED echo',
      'TASK_COMPLETED echo',
      'COMPLETED',
    ]);
    const [row] = await listTaskExecutions(host.results, { jobId: skipped.jobId });
    expect(
      (await listTaskExecutions(host.results, { jobId: skipped.jobId })).find(
        ({ task_name }) => task_name === 'list',
      ) ?? row,
    ).toMatchObject({ status: 'CANCELED', error: { code: 'SKIPPED' } });
    expect((await run(spec, { parameters: { exact: true } })).told).toContain('TASK_COMPLETED list');
  });

  test('a failure ends the job, skips what depends on it, or lets it run without', async () => {
    const tasksWith = (onFailure: string) => [
      step('broken', { onFailure, retry: { attempts: 1 } }),
      step('echo', { dependsOn: ['broken'] }),
      step('echo-last', { dependsOn: ['echo'] }),
      step('list'),
    ];
    const ended = await run({ tasks: tasksWith('fail') });
    expect(ended).toMatchObject({ status: 'FAILED', error: { code: 'BROKEN', step: 'broken' } });
    const skipped = await run({ tasks: tasksWith('skip') });
    expect(skipped.status).toBe('COMPLETED');
    expect(Object.keys(skipped.outputs)).toEqual(['list']);
    expect(skipped.told.filter((event) => event.startsWith('TASK_SKIPPED'))).toEqual([
      'TASK_SKIPPED echo',
      'TASK_SKIPPED echo-last',
    ]);
    const went = await run({ tasks: tasksWith('continue') });
    expect(Object.keys(went.outputs)).toEqual(['echo', 'echo-last', 'list']);
  });

  test('a job past its timeout or deadline fails, with its call', async () => {
    const late = await run({ timeoutMs: 300, tasks: [step('hang')] });
    expect(late).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT' } });
    expect(late.told).toContain('TASK_CANCELED hang');
    const overdue = await run({ tasks: [step('hang')] }, { deadline: new Date(Date.now() + 700) });
    expect(overdue).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT' } });
  });

  test('a stopped executor lets a call end within its grace, and what was not begun waits for the next', async () => {
    await executor[Symbol.asyncDispose]();
    start({ stopGraceMs: 10_000 });
    const name = `p-${newId()}`;
    const spec = { version: 1 as const, tasks: [step('gated'), step('echo', { dependsOn: ['gated'] })] };
    await publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec });
    const { jobId } = await submitJob(host.platform, host.caller, { pipeline: name });
    for await (const { event } of followJob(host.platform, host.caller, { jobId })) if (event === 'TASK_STARTED') break;
    const stopping = executor[Symbol.asyncDispose]();
    gate.resolve();
    await stopping;
    const { status, taskResults } = await getJobResults(host.platform, host.caller, { jobId });
    expect({ status, done: taskResults.map(({ taskName }) => taskName) }).toEqual({
      status: 'PENDING',
      done: ['gated'],
    });
    start();
    const signal = AbortSignal.timeout(20_000);
    const events = await Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal }));
    expect(events.at(-1)?.event).toBe('COMPLETED');
    expect(tasks.calls.map(({ stepName }) => stepName)).toEqual(['gated', 'echo']);
  });

  test('a hundred steps between two are written in few commits', async () => {
    await executor[Symbol.asyncDispose]();
    start({ stepConcurrency: 200 });
    const items = Array.from({ length: 100 }, (_, index) => `l${index}`);
    const { status, outputs } = await run({ tasks: [list(items), dockEach(), gather()] });
    expect(status).toBe('COMPLETED');
    expect((outputs.echo as { value: unknown[] }).value).toHaveLength(100);
    const [organization] = (await executor.status()).running;
    expect(organization?.flushes?.count).toBeLessThan(60);
  });
});
