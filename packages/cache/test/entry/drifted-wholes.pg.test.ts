import {
  getJob,
  getJobResults,
  type JsonObject,
  listCacheEntries,
  publishPipeline,
  type SubmitJob,
  submitJob,
  waitForJob,
} from '@mad/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  caller as base,
  callerWith,
  createAnswers,
  type ExplainedHost,
  openExplainedHost,
} from '../explain/explained-host.ts';

// Where a step comes out otherwise than before, no whole job that shows its old answer is served any more.

const caller = callerWith(...base.permissions, 'job.results.view');
let host: ExplainedHost;
let prepared: string;
/** Holds the last step of jobs with this parameter until it is let go. */
let gate: { readonly m: number; readonly reached: PromiseWithResolvers<void>; readonly opened: Promise<void> };
const tasks = createAnswers({
  prep: () => ({ v: prepared }),
  fin: async ({ m }) => {
    if (m !== gate.m) return { k: 1 };
    gate.reached.resolve();
    await gate.opened;
    return { k: 1 };
  },
});

beforeAll(async () => {
  host = await openExplainedHost(tasks, { secret: 'a secret of thirty-two bytes or more' });
  const parameters = { type: 'object', properties: { n: { type: 'number' }, m: { type: 'number' } } };
  const prep = { name: 'prep', task: 'prep@^1', inputs: { n: { from: '/parameters/n' } } };
  const fin = { name: 'fin', task: 'fin@^1', dependsOn: ['prep'], inputs: { m: { from: '/parameters/m' } } };
  for (const [name, steps] of Object.entries({ two: [prep, fin], one: [prep] }))
    await publishPipeline(host.platform, caller, {
      name,
      version: '1.0.0',
      spec: { version: 1 as const, parameters, tasks: steps },
    });
  host.start();
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(async () => {
  await host.results.deleteFrom('jobs').execute();
  await host.results.deleteFrom('cache_events').execute();
  prepared = 'first';
  gate = { m: -1, reached: Promise.withResolvers(), opened: Promise.resolve() };
});

const submit = async (m: number, more: Partial<SubmitJob> = {}) =>
  (await submitJob(host.platform, caller, { pipeline: 'two', parameters: { n: 1, m }, ...more })).jobId;

async function ended(jobId: string) {
  expect(await waitForJob(host.platform, caller, { jobId })).toBe('COMPLETED');
  return getJob(host.results, { jobId });
}
const run = async (m: number, more: Partial<SubmitJob> = {}) => ended(await submit(m, more));

/** Computes the first step again, which comes out otherwise. */
async function drift(m: number, more: Partial<SubmitJob> = {}): Promise<string> {
  prepared = 'otherwise';
  return (await run(m, { ...more, useCache: false })).job_id;
}

async function preparedOf(jobId: string): Promise<JsonObject | undefined> {
  const { taskResults } = await getJobResults(host.platform, caller, { jobId });
  return taskResults.find(({ taskName }) => taskName === 'prep')?.resultData;
}

/** Jobs whose entries are in this state, those of whole jobs. */
async function wholes(state: 'served' | 'drifted'): Promise<Set<string>> {
  const { items } = await listCacheEntries(host.results, { state, limit: 500 });
  return new Set(items.flatMap((row) => (row.task_name === '*' ? [row.canonical_job_id] : [])));
}

test('the whole of the job that computed it leaves service, and that of each job that was given it', async () => {
  const computed = await run(1);
  const given = await run(2);
  const both = new Set([computed.job_id, given.job_id]);
  expect(await wholes('served')).toEqual(both);
  expect((await run(1)).canonical_job_id).toBe(computed.job_id);
  expect((await run(2)).canonical_job_id).toBe(given.job_id);

  const otherwise = await drift(3);
  expect(await wholes('drifted')).toEqual(both);
  expect(await wholes('served'), 'nor is the job shown that found it').toEqual(new Set());
  for (const m of [1, 2, 3]) {
    const anew = await run(m);
    expect(anew, `m = ${m}`).toMatchObject({ canonical_job_id: null, cache: { outcome: 'miss' } });
    expect(anew.job_id).not.toBe(otherwise);
    expect(await preparedOf(anew.job_id)).toEqual({ v: 'otherwise' });
  }
});

test('a job of one step, which ends as it finds the drift, is shown to nobody', async () => {
  const one = { pipeline: 'one' };
  const first = await run(1, one);
  await drift(2, one);
  expect(await wholes('drifted')).toEqual(new Set([first.job_id]));
  expect(await wholes('served')).toEqual(new Set());
  for (const m of [1, 2]) expect((await run(m, one)).canonical_job_id, `m = ${m}`).toBeNull();
});

describe('a job that ends after the drift', () => {
  const M = 7;
  /** Brings a job to its last step, and lets it end when the first step has come out otherwise for another. */
  async function endAfterDrift(more: () => Promise<readonly string[]> = async () => []) {
    const opened = Promise.withResolvers<void>();
    gate = { m: M, reached: Promise.withResolvers(), opened: opened.promise };
    const late = await submit(M);
    await gate.reached.promise;
    const others = await more();
    await drift(8);
    opened.resolve();
    await ended(late);
    return { late, others };
  }

  test.each([
    ['computed', false],
    ['was given', true],
  ])('and %s what drifted is not kept as a whole', async (_how, isGiven) => {
    if (isGiven) await run(1);
    const { late } = await endAfterDrift();
    expect(await preparedOf(late)).toEqual({ v: 'first' });
    expect(await wholes('served')).toEqual(new Set());
    const anew = await run(M);
    expect(anew.canonical_job_id).toBeNull();
    expect(await preparedOf(anew.job_id)).toEqual({ v: 'otherwise' });
  });

  test('is not given to those that wait for it', async () => {
    const { late, others } = await endAfterDrift(async () => [await submit(M), await submit(M)]);
    for (const jobId of others) {
      const waited = await ended(jobId);
      expect(waited.canonical_job_id).not.toBe(late);
    }
    expect(await preparedOf(late)).toEqual({ v: 'first' });
    for (const jobId of others) {
      const { canonical_job_id } = await getJob(host.results, { jobId });
      expect(await preparedOf(canonical_job_id ?? jobId)).toEqual({ v: 'otherwise' });
    }
  });
});
