import {
  forkJob,
  getJobResults,
  type JsonObject,
  publishPipeline,
  retryJob,
  type SubmitJob,
  submitJob,
  TaskFailedError,
  ValidationFailedError,
  waitForJob,
} from '@mad/core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  collectGarbage,
  createResultCache,
  disownEntries,
  evictEntries,
  invalidateEntries,
  verifyEntries,
} from '../../src/index.ts';
import {
  caller as base,
  callerWith,
  createAnswers,
  type ExplainedHost,
  openExplainedHost,
} from '../explain/explained-host.ts';

// What was taken out of service does not come back, whatever way a job takes a result over.

const caller = callerWith(...base.permissions, 'job.results.view');
let host: ExplainedHost;
let prepared: string;
let fails: boolean;
let poses: readonly JsonObject[];
const tasks = createAnswers({
  prep: () => ({ v: prepared }),
  dock: () => ({ poses: [...poses] }),
  fin: () => {
    if (fails) throw new TaskFailedError({ failureCode: 'X', message: 'x', retryable: false });
    return { k: 1 };
  },
});

beforeAll(async () => {
  host = await openExplainedHost(tasks, { secret: 'a secret of thirty-two bytes or more' });
  const parameters = { type: 'object', properties: { n: { type: 'number' }, m: { type: 'number' } } };
  for (const first of ['prep', 'dock']) {
    const steps = [
      { name: first, task: `${first}@^1`, inputs: { n: { from: '/parameters/n' } } },
      { name: 'fin', task: 'fin@^1', dependsOn: [first], inputs: { m: { from: '/parameters/m' } } },
    ];
    const docking = first === 'dock' ? { docking: { poses: { from: '/steps/dock/output/poses' } } } : {};
    const spec = { version: 1 as const, parameters, tasks: steps, ...docking };
    await publishPipeline(host.platform, caller, { name: first, version: '1.0.0', spec });
  }
  host.start();
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(async () => {
  await host.results.deleteFrom('jobs').execute();
  await host.results.deleteFrom('cache_events').execute();
  [prepared, fails, poses] = ['bad', false, []];
});

async function run(request: Partial<SubmitJob>): Promise<string> {
  const { jobId } = await submitJob(host.platform, caller, { pipeline: 'prep', ...request });
  await waitForJob(host.platform, caller, { jobId });
  return jobId;
}

async function answerOf(jobId: string, taskName: string): Promise<JsonObject | undefined> {
  const { taskResults } = await getJobResults(host.platform, caller, { jobId });
  return taskResults.find((result) => result.taskName === taskName)?.resultData;
}

const wholes = async () =>
  (
    await host.results
      .selectFrom('result_cache')
      .select('canonical_job_id')
      .where('task_name', '=', '*')
      .where('invalidated_at', 'is', null)
      .execute()
  ).map((row) => row.canonical_job_id);

const WITHDRAWN: Readonly<Record<string, () => Promise<unknown>>> = {
  disowned: () => disownEntries(host.platform, caller, { service: 'test' }),
  invalidated: () => invalidateEntries(host.platform, caller, { taskKey: 'prep' }),
  edited: async () => {
    await host.results
      .updateTable('task_results')
      .set({ result_data: { v: 'forged' } })
      .execute();
    await verifyEntries(host.platform, caller, { secret: 'a secret of thirty-two bytes or more' });
  },
};

test.each(Object.keys(WITHDRAWN))(
  'a retry goes on with a step that was %s, and shows nobody else its whole',
  async (how) => {
    fails = true;
    const failed = await run({ parameters: { n: 1, m: 1 } });
    await WITHDRAWN[how]?.();
    [fails, prepared] = [false, 'good'];
    const { jobId } = await retryJob(host.platform, caller, { jobId: failed });
    expect(await waitForJob(host.platform, caller, { jobId })).toBe('COMPLETED');
    expect(await wholes()).toEqual([]);
    expect(await answerOf(await run({ parameters: { n: 1, m: 1 } }), 'prep')).toEqual({ v: 'good' });
  },
);

test('a fork with other parameters shows nobody else what it took over', async () => {
  const original = await run({ parameters: { n: 2, m: 1 } });
  await disownEntries(host.platform, caller, { service: 'test' });
  prepared = 'good';
  const { jobId } = await forkJob(host.platform, caller, { jobId: original, parameters: { n: 2, m: 2 } });
  await waitForJob(host.platform, caller, { jobId });
  expect(await answerOf(await run({ parameters: { n: 2, m: 2 } }), 'prep')).toEqual({ v: 'good' });
});

test('what a service gave is disowned with the whole jobs that serve it, also when the entries of its steps were evicted', async () => {
  const computed = await run({ parameters: { n: 3, m: 1 } });
  const given = await run({ parameters: { n: 3, m: 2 } });
  await evictEntries(host.platform, caller, { maxBytes: 1 });
  expect(await wholes()).toHaveLength(2);
  const byTask = await disownEntries(host.platform, caller, { taskKey: 'prep' });
  expect(new Set(byTask.jobs.map(({ jobId }) => jobId))).toEqual(new Set([computed, given]));
  expect(await wholes()).toEqual([]);
  const byService = await disownEntries(host.platform, caller, { service: 'test' });
  expect(new Set(byService.jobs.map(({ jobId }) => jobId))).toEqual(new Set([computed, given]));
});

test('what a task gave is found when its entries and those of whole jobs were all evicted', async () => {
  const computed = await run({ parameters: { n: 6, m: 1 } });
  const given = await run({ parameters: { n: 6, m: 2 } });
  await evictEntries(host.platform, caller, { maxBytes: 0 });
  const { jobs } = await disownEntries(host.platform, caller, { taskKey: 'prep' });
  const steps = jobs.filter(({ how }) => how === 'step').map(({ jobId }) => jobId);
  expect(steps).toEqual([given]);
  expect(new Set(jobs.map(({ jobId }) => jobId))).toEqual(new Set([computed, given]));
});

test('what a service gave to a job that asked for no cache is disowned with it', async () => {
  const jobId = await run({ parameters: { n: 4, m: 1 }, useCache: false });
  await evictEntries(host.platform, caller, { maxBytes: 0 });
  await host.results.deleteFrom('cache_events').execute();
  const { jobs } = await disownEntries(host.platform, caller, { service: 'test' });
  expect(new Set(jobs.map((job) => job.jobId))).toEqual(new Set([jobId]));
});

test('a misspelt option destroys nothing', async () => {
  await run({ parameters: { n: 5, m: 1 } });
  const wrong = { maxBytes: 0, dryrun: true };
  await expect(evictEntries(host.platform, caller, wrong)).rejects.toThrow(ValidationFailedError);
  await expect(collectGarbage(host.platform, caller, { dryrun: true } as object)).rejects.toThrow(
    ValidationFailedError,
  );
  expect(await wholes()).toHaveLength(1);
  const { artifacts, metadata } = host.platform;
  for (const options of [{ minConfidence: 7 }, { maxAgeMs: -1 }, { secret: '' }, { minconfidence: 0.5 }])
    expect(() => createResultCache({ artifacts, metadata, ...options })).toThrow(ValidationFailedError);
});
