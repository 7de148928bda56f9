import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelJob,
  deleteJobMeta,
  Executor,
  findJobMeta,
  followJob,
  getJobResults,
  inAllOrganizations,
  inOrganization,
  insertUser,
  type JobEvent,
  mirrorJobsMeta,
  newId,
  publishPipeline,
  type SubmitJob,
  silentLogger,
  submitJob,
  TaskFailedError,
  UNUSABLE_PASSWORD,
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
  let failures: string[];
  let late: boolean;
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
      const failureCode = failures.shift();
      if (failureCode) throw new TaskFailedError({ failureCode, message: 'down', retryable: true });
      if (late) await setTimeout(400);
      if (hang) {
        await setTimeout(60_000, undefined, { signal }).catch((error: unknown) => {
          canceled = true;
          throw error;
        });
      }
      return { poses: POSES, confidence_score: 0.8 };
    },
    crash: () => {
      throw new TypeError('secret path');
    },
  });
  const logged: object[] = [];
  let host: TestPlatform;
  let executor: Executor;

  beforeAll(async () => {
    host = await openTestPlatform(kind, tasks);
    Object.assign(host.platform, { logger: { ...silentLogger, error: (facts: object) => void logged.push(facts) } });
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
    [failures, hang, canceled, late] = [[], false, false, false];
    tasks.calls.length = 0;
    logged.length = 0;
    await host.results.deleteFrom('jobs').execute();
    executor = new Executor(host.platform, { recoverEveryMs: 50, leaseMs: 5_000 });
  });
  afterEach(() => executor[Symbol.asyncDispose]());

  const publish = (name: string, steps: ReturnType<typeof step>[]) =>
    publishPipeline(host.platform, host.caller, { name, version: '1.0.0', spec: { version: 1, tasks: steps } });
  const untilDocking = async (jobId: string): Promise<void> => {
    for await (const { event, detail } of followJob(host.platform, host.caller, { jobId }))
      if (event === 'TASK_STARTED' && detail === 'dock') return;
  };
  const insertUsers = async (): Promise<[string, string]> => {
    const insert = () =>
      inAllOrganizations(host.metadata, (tx) =>
        insertUser(tx, { email: `${newId()}@example.org`, hashed_password: UNUSABLE_PASSWORD }),
      );
    return [(await insert()).user_id, (await insert()).user_id];
  };
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

  test('a call that nobody answered is repeated under its key, one that failed under a new one; each is a row of its own', async () => {
    failures = ['SERVICE_UNAVAILABLE', 'EXECUTION_FAILED'];
    executor.start();
    const { jobId } = await submit();
    expect(namesOf(await eventsOf(jobId)).filter((name) => name.endsWith('dock'))).toEqual([
      ...['TASK_STARTED dock', 'TASK_FAILED dock', 'TASK_RETRYING dock', 'TASK_STARTED dock', 'TASK_FAILED dock'],
      ...['TASK_RETRYING dock', 'TASK_STARTED dock', 'TASK_COMPLETED dock'],
    ]);
    const attempts = (await listTaskExecutions(host.results, { jobId })).filter(
      ({ task_name }) => task_name === 'dock',
    );
    expect(attempts.map(({ retries, status }) => [retries, status])).toEqual([
      [0, 'FAILED'],
      [1, 'FAILED'],
      [2, 'COMPLETED'],
    ]);
    const keys = tasks.calls.filter(({ stepName }) => stepName === 'dock').map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([`${jobId}/dock/0`, `${jobId}/dock/0`, `${jobId}/dock/1`]);
  });

  test('a service that stays down fails the job after the last attempt', async () => {
    failures = Array.from({ length: 9 }, () => 'SERVICE_UNAVAILABLE');
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

  test('an answer that comes after the step has timed out is not taken', async () => {
    late = true;
    await publish('hurried', [step('dock', { timeoutMs: 100, retry: { attempts: 1 } })]);
    executor.start();
    const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'hurried' });
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({ event: 'FAILED', metadata: { error: { code: 'TIMEOUT' } } });
  });

  test('an error of the runner itself fails the job with a cause that is only logged', async () => {
    await publish('broken', [step('crash')]);
    executor.start();
    const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'broken' });
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      metadata: { error: { code: 'INTERNAL_ERROR', step: 'crash' } },
    });
    expect(logged).toEqual([expect.objectContaining({ job_id: jobId, err: new TypeError('secret path') })]);
    const { error } = await getJobResults(host.platform, host.caller, { jobId });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('a cancel that an executor did not live to see is kept by the next one', async () => {
    hang = true;
    executor.start();
    const { jobId } = await submit();
    await untilDocking(jobId);
    await Promise.all([cancelJob(host.platform, host.caller, { jobId }), executor[Symbol.asyncDispose]()]);
    hang = false;
    executor = new Executor(host.platform, { recoverEveryMs: 50 });
    executor.start();
    expect((await eventsOf(jobId)).at(-1)?.event).toBe('CANCELED');
  });

  test('a job that its executor never survives is given up', async () => {
    const { jobId } = await submit();
    await host.results
      .updateTable('jobs')
      .set({ status: 'RUNNING', fence: 6, crash_count: 5, lease_expires_at: new Date(0) })
      .where('job_id', '=', jobId)
      .execute();
    executor.start();
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      event: 'FAILED',
      metadata: { error: { code: 'WORKER_LOST' } },
    });
    expect(tasks.calls).toEqual([]);
  });

  test('a mirror that was left behind is repaired', async () => {
    executor.start();
    const { jobId } = await submit();
    await eventsOf(jobId);
    const mirror = () => inOrganization(host.metadata, ORG_ID, (tx) => findJobMeta(tx, { jobId }));
    await expect.poll(mirror).toMatchObject({ status: 'COMPLETED' });
    await inOrganization(host.metadata, ORG_ID, (tx) => deleteJobMeta(tx, { jobId }));
    const { pipeline_id = '', pipeline_version_id = '' } = await host.results
      .selectFrom('jobs')
      .selectAll()
      .where('job_id', '=', jobId)
      .executeTakeFirstOrThrow();
    const stale = { job_id: jobId, pipeline_id: pipeline_id ?? '', pipeline_version_id: pipeline_version_id ?? '' };
    await inOrganization(host.metadata, ORG_ID, (tx) =>
      mirrorJobsMeta(tx, [{ ...stale, status: 'RUNNING', fence: 0, event_no: 1 }]),
    );
    await expect.poll(mirror).toMatchObject({ status: 'COMPLETED' });
  });

  test.each([
    [{ priority: 1.5 }, '/priority'],
    [{ priority: 1e12 }, '/priority'],
    [{ minConfidence: 5 }, '/minConfidence'],
    [{ idempotencyKey: '' }, '/idempotencyKey'],
    [{ idempotencyKey: 'a\0b' }, '/idempotencyKey'],
    [{ parameters: { smiles: 'C', at: new Date() } }, '/parameters/at: expected plain JSON, got an instance of Date'],
    [{ parameters: { smiles: 'C\0' } }, '/parameters/smiles'],
    [{ parameters: [1] }, '/parameters'],
  ])('a submission that cannot be stored as it is is refused and leaves no row: %j', async (wrong, place) => {
    const request = { pipeline: 'docking', parameters: { smiles: 'CCO' }, ...wrong } as SubmitJob;
    const refused = submitJob(host.platform, host.caller, request);
    await expect(refused).rejects.toThrow(place);
    await expect(refused).rejects.toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
    expect(await host.results.selectFrom('jobs').select('job_id').execute()).toEqual([]);
  });

  test.each(['x', '', '../x', 'a\0'])('the job id %j names no job', async (jobId) => {
    for (const ask of [getJobResults, cancelJob]) {
      await expect(ask(host.platform, host.caller, { jobId })).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
    }
    await expect(followJob(host.platform, host.caller, { jobId }).next()).rejects.toMatchObject({
      code: 'MAD_CORE_NOT_FOUND',
    });
  });

  test("a permission for one's own jobs reaches those and no other", async () => {
    const [owner, other] = await insertUsers();
    const standard = { orgId: ORG_ID, permissions: new Set(['job.create', 'job.cancel:own', 'job.results.view:own']) };
    const job = { pipeline: 'docking', parameters: { smiles: 'CCO' } };
    const { jobId } = await submitJob(host.platform, { ...standard, userId: owner }, job);
    await expect(cancelJob(host.platform, { ...standard, userId: other }, { jobId })).rejects.toThrow(/job\.cancel/);
    await expect(getJobResults(host.platform, { ...standard, userId: other }, { jobId })).rejects.toThrow(
      /job\.results\.view/,
    );
    expect(await cancelJob(host.platform, { ...standard, userId: owner }, { jobId })).toBe('CANCELED');
  });

  test('a private pipeline is neither run nor taken over by another user', async () => {
    const [owner, other] = await insertUsers();
    const by = (userId: string) => ({ ...host.caller, userId });
    const secret = {
      name: 'secret',
      visibility: 'private' as const,
      spec: { version: 1 as const, tasks: [step('prepare')] },
    };
    await publishPipeline(host.platform, by(owner), { ...secret, version: '1.0.0' });
    await expect(publishPipeline(host.platform, by(other), { ...secret, version: '2.0.0' })).rejects.toThrow(
      /private to another user/,
    );
    await expect(submitJob(host.platform, by(other), { pipeline: 'secret' })).rejects.toThrow(/was not found/);
    await expect(submitJob(host.platform, host.caller, { pipeline: 'secret' })).rejects.toThrow(/was not found/);
    expect((await submitJob(host.platform, by(owner), { pipeline: 'secret' })).status).toBe('PENDING');
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
    const other = { pipeline: 'docking', parameters: { smiles: 'CCN' }, idempotencyKey: 'night-1' };
    await expect(submitJob(host.platform, host.caller, other)).rejects.toThrow(/used for another request/);
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
