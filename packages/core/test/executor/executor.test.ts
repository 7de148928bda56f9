import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelJob,
  Executor,
  findJobMeta,
  followJob,
  getJobResults,
  inOrganization,
  type JobEvent,
  publishPipeline,
  submitJob,
  TaskFailedError,
} from '../../src/index.ts';
import { listTaskExecutions } from '../../src/results/task-execution.repository.ts';
import {
  callerOf,
  createTestTasks,
  ORG_ID,
  OTHER_ORG_ID,
  openTestPlatform,
  step,
  type TestPlatform,
} from './test-platform.ts';

const POSES = [
  { rank: 1, affinity: -9.5, rmsd_lb: 0, rmsd_ub: 0 },
  { rank: 2, affinity: -9.1, rmsd_lb: 1.2, rmsd_ub: 2.5 },
];

describe.each(['pglite', 'postgres'] as const)('an executor on %s', (kind) => {
  let failures: number;
  let hang: boolean;
  let canceled: boolean;
  const tasks = createTestTasks({
    prepare: async ({ smiles }) => {
      if (smiles === 'bad')
        throw new TaskFailedError({ failureCode: 'INVALID_SMILES', message: 'that is no molecule', retryable: false });
      return { ligand: `prepared ${String(smiles)}` };
    },
    dock: async (_request, { signal, onProgress }) => {
      onProgress?.(0.5);
      if (failures-- > 0)
        throw new TaskFailedError({ failureCode: 'SERVICE_UNAVAILABLE', message: 'down', retryable: true });
      if (hang) {
        await setTimeout(60_000, undefined, { signal }).catch((error: unknown) => {
          canceled = true;
          throw error;
        });
      }
      return { poses: POSES, confidence_score: 0.8 };
    },
  });
  let host: TestPlatform;
  let executor: Executor;

  beforeAll(async () => {
    host = await openTestPlatform(kind, tasks);
    await publishPipeline(host.platform, host.caller, {
      name: 'docking',
      version: '1.0.0',
      spec: {
        version: 1,
        parameters: {
          type: 'object',
          properties: { smiles: { type: 'string' }, size: { type: 'number', exclusiveMinimum: 0, default: 20 } },
          required: ['smiles'],
          additionalProperties: false,
        },
        tasks: [
          step('dock', {
            inputs: { ligand: { from: '/steps/prepare/output/ligand' } },
            retry: { attempts: 3, backoffMs: 1 },
          }),
          step('prepare', { inputs: { smiles: { from: '/parameters/smiles' } } }),
        ],
        docking: { poses: { from: '/steps/dock/output/poses' } },
      },
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(async () => {
    [failures, hang, canceled] = [0, false, false];
    tasks.calls.length = 0;
    await host.results.deleteFrom('jobs').execute();
    executor = new Executor(host.platform, { recoverEveryMs: 50, leaseMs: 5_000 });
  });
  afterEach(() => executor[Symbol.asyncDispose]());

  const submit = (smiles = 'CCO') =>
    submitJob(host.platform, host.caller, { pipeline: 'docking', parameters: { smiles } });
  const eventsOf = (jobId: string): Promise<JobEvent[]> =>
    Array.fromAsync(followJob(host.platform, host.caller, { jobId, signal: AbortSignal.timeout(20_000) }));
  const namesOf = (events: readonly JobEvent[]) =>
    events
      .filter(({ event }) => event !== 'TASK_PROGRESS')
      .map(({ event, detail }) => (event.startsWith('TASK') ? `${event} ${detail}` : event));

  test('runs a job to its poses, with a timeline 1..n and a mirror that agrees', async () => {
    executor.start();
    const { jobId, status } = await submit();
    expect(status).toBe('PENDING');
    const events = await eventsOf(jobId);
    expect(namesOf(events)).toEqual([
      'QUEUED',
      'STARTED',
      'TASK_STARTED prepare',
      'TASK_COMPLETED prepare',
      'TASK_STARTED dock',
      'TASK_COMPLETED dock',
      'COMPLETED',
    ]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const results = await getJobResults(host.platform, host.caller, { jobId });
    expect(results).toMatchObject({
      status: 'COMPLETED',
      error: null,
      poses: [
        { rank: 1, affinity: -9.5 },
        { rank: 2, rmsdLowerBound: 1.2, rmsdUpperBound: 2.5 },
      ],
    });
    expect(results.taskResults.map(({ taskName, confidenceScore }) => [taskName, confidenceScore])).toEqual([
      ['dock', 0.8],
      ['prepare', null],
    ]);
    expect(tasks.calls[1]?.request).toEqual({ task: 'dock', ligand: 'prepared CCO' });
    await expect
      .poll(() => inOrganization(host.metadata, ORG_ID, (tx) => findJobMeta(tx, { jobId })))
      .toMatchObject({ status: 'COMPLETED', event_no: events.length });
  });

  test("a refused step fails the job with the service's own word, once", async () => {
    executor.start();
    const { jobId } = await submit('bad');
    expect(namesOf(await eventsOf(jobId))).toEqual([
      'QUEUED',
      'STARTED',
      'TASK_STARTED prepare',
      'TASK_FAILED prepare',
      'FAILED',
    ]);
    expect(await getJobResults(host.platform, host.caller, { jobId })).toMatchObject({
      status: 'FAILED',
      error: { code: 'INVALID_SMILES', message: 'that is no molecule', retryable: false, step: 'prepare' },
      poses: [],
    });
  });

  test('a service that is down for a moment is asked again, each attempt a row of its own and a key of its own', async () => {
    failures = 2;
    executor.start();
    const { jobId } = await submit();
    expect(namesOf(await eventsOf(jobId)).filter((name) => name.endsWith('dock'))).toEqual([
      ...[
        'TASK_STARTED dock',
        'TASK_FAILED dock',
        'TASK_RETRYING dock',
        'TASK_STARTED dock',
        'TASK_FAILED dock',
        'TASK_RETRYING dock',
      ],
      ...['TASK_STARTED dock', 'TASK_COMPLETED dock'],
    ]);
    const attempts = (await listTaskExecutions(host.results, { jobId })).filter(
      ({ task_name }) => task_name === 'dock',
    );
    expect(attempts.map(({ retries, status }) => [retries, status])).toEqual([
      [0, 'FAILED'],
      [1, 'FAILED'],
      [2, 'COMPLETED'],
    ]);
    expect(new Set(tasks.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(4);
  });

  test('a service that stays down fails the job after the last attempt', async () => {
    failures = 99;
    executor.start();
    const { jobId } = await submit();
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      event: 'FAILED',
      metadata: { error: { code: 'SERVICE_UNAVAILABLE', step: 'dock' } },
    });
    expect(tasks.calls.filter(({ stepName }) => stepName === 'dock')).toHaveLength(3);
  });

  test('a waiting job is canceled at once, a running one with its call', async () => {
    const waiting = await submit();
    expect(await cancelJob(host.platform, host.caller, { jobId: waiting.jobId })).toBe('CANCELED');
    hang = true;
    executor.start();
    const running = await submit();
    for await (const { event, detail } of followJob(host.platform, host.caller, { jobId: running.jobId }))
      if (event === 'TASK_STARTED' && detail === 'dock') break;
    expect(await cancelJob(host.platform, host.caller, { jobId: running.jobId })).toBe('RUNNING');
    expect(namesOf(await eventsOf(running.jobId)).slice(-2)).toEqual(['TASK_CANCELED dock', 'CANCELED']);
    expect(canceled).toBe(true);
    expect(namesOf(await eventsOf(waiting.jobId))).toEqual(['QUEUED', 'CANCELED']);
  });

  test('a stopped executor gives its lease back, and the next one goes on behind the last commit under the same key', async () => {
    hang = true;
    executor.start();
    const { jobId } = await submit();
    for await (const { event, detail } of followJob(host.platform, host.caller, { jobId }))
      if (event === 'TASK_STARTED' && detail === 'dock') break;
    await executor[Symbol.asyncDispose]();
    expect((await getJobResults(host.platform, host.caller, { jobId })).status).toBe('PENDING');
    hang = false;
    executor = new Executor(host.platform, { recoverEveryMs: 50 });
    executor.start();
    expect((await eventsOf(jobId)).at(-1)?.event).toBe('COMPLETED');
    expect(tasks.calls.map(({ stepName, idempotencyKey }) => [stepName, idempotencyKey])).toEqual([
      ['prepare', `${jobId}/prepare/0`],
      ['dock', `${jobId}/dock/0`],
      ['dock', `${jobId}/dock/0`],
    ]);
  });

  test('what cannot be accepted is refused and leaves no row', async () => {
    const refused = { parameters: { smiles: 'CCO', size: 0 } };
    await expect(submitJob(host.platform, host.caller, { pipeline: 'docking', ...refused })).rejects.toThrow(
      /\/parameters\/size: must be > 0/,
    );
    await expect(
      submitJob(host.platform, host.caller, { pipeline: 'docking', version: '9.0.0', parameters: { smiles: 'C' } }),
    ).rejects.toThrow(/docking@9.0.0 was not found.*published are 1.0.0/);
    await expect(
      submitJob(host.platform, { ...host.caller, permissions: new Set() }, { pipeline: 'docking' }),
    ).rejects.toThrow(/job.create/);
    expect(await host.results.selectFrom('jobs').select('job_id').execute()).toEqual([]);
  });

  test('another organization sees neither the pipeline nor the job', async () => {
    const { jobId } = await submit();
    const other = callerOf(OTHER_ORG_ID);
    await expect(submitJob(host.platform, other, { pipeline: 'docking', parameters: { smiles: 'C' } })).rejects.toThrow(
      /pipeline docking was not found/,
    );
    await expect(getJobResults(host.platform, other, { jobId })).rejects.toThrow(/was not found/);
    await expect(cancelJob(host.platform, other, { jobId })).rejects.toThrow(/was not found/);
  });

  test('one idempotency key is one job, also when used at once', async () => {
    const once = () =>
      submitJob(host.platform, host.caller, {
        pipeline: 'docking',
        parameters: { smiles: 'CCO' },
        idempotencyKey: 'night-1',
      });
    const jobs = await Promise.all([once(), once(), once()]);
    expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(1);
    expect(await host.results.selectFrom('jobs').select('job_id').execute()).toHaveLength(1);
  });

  test('publishing the same version again is the same version; another content is refused', async () => {
    const again = { name: 'second', version: '1.0.0', spec: { version: 1 as const, tasks: [step('prepare')] } };
    const first = await publishPipeline(host.platform, host.caller, again);
    expect(await publishPipeline(host.platform, host.caller, again)).toEqual(first);
    const changed = { ...again, spec: { ...again.spec, tasks: [step('prepare', { timeoutMs: 5 })] } };
    await expect(publishPipeline(host.platform, host.caller, changed)).rejects.toMatchObject({
      code: 'MAD_CORE_CONFLICT',
    });
  });
});
