import {
  cancelJob,
  type JsonObject,
  newId,
  type PipelineSpecInput,
  publishPipeline,
  type SubmitJob,
  submitJob,
  waitForJob,
} from '@mad/core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { cacheStatistics, evictEntries, explainJob, planJob } from '../../src/index.ts';
import { caller, callerWith, createAnswers, type ExplainedHost, openExplainedHost } from './explained-host.ts';

const from = (pointer: string) => ({ from: pointer });
const [PREPARE, DOCK, RESCORE] = [
  { name: 'prepare', task: 'prepare@^1', inputs: { smiles: from('/parameters/smiles') } },
  {
    name: 'dock',
    task: 'dock@^1',
    inputs: { ligand: from('/steps/prepare/output/ligand'), seed: from('/parameters/seed') },
  },
  {
    name: 'rescore',
    task: 'dock@^1',
    inputs: { poses: from('/steps/dock/output/poses') },
    when: { from: '/parameters/seed', above: 100 },
  },
] as const;

let host: ExplainedHost;
let confidence: number | undefined;
let gate: Promise<unknown> | undefined;

beforeAll(async () => {
  const tasks = createAnswers({
    prepare: ({ smiles }) => ({ ligand: `prepared ${String(smiles)}` }),
    dock: async () => {
      await gate;
      return { poses: [], ...(confidence !== undefined && { confidence_score: confidence }) };
    },
    guess: () => ({ poses: [], ...(confidence !== undefined && { confidence_score: confidence }) }),
    each: ({ n }) => ({ n: n ?? null }),
  });
  host = await openExplainedHost(tasks);
  await publish('docking', [PREPARE, DOCK, RESCORE]);
  await publish('screen', [
    {
      name: 'each',
      task: 'each@^1',
      inputs: { n: from('/item/n') },
      forEach: { items: from('/parameters/list'), key: '/id' },
    },
  ]);
  await publish('fresh', [{ ...PREPARE, cache: 'refresh' }, DOCK]);
  await publish('guess', [{ name: 'guess', task: 'guess@^1', inputs: { seed: from('/parameters/seed') } }]);
  await publish('judged', [PREPARE, DOCK], { docking: { poses: from('/steps/dock/output/poses') } });
  host.start();
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(async () => {
  [confidence, gate] = [undefined, undefined];
  await host.results.deleteFrom('jobs').execute();
});

const publish = (name: string, tasks: readonly JsonObject[], more: Partial<PipelineSpecInput> = {}) =>
  publishPipeline(host.platform, caller, {
    ...{ name, version: '1.0.0' },
    spec: {
      version: 1,
      parameters: { type: 'object' },
      ...more,
      tasks: tasks as unknown as PipelineSpecInput['tasks'],
    },
  });
const submit = async (request: Partial<SubmitJob> = {}) =>
  (await submitJob(host.platform, caller, { pipeline: 'docking', parameters: { smiles: 'CCO', seed: 1 }, ...request }))
    .jobId;
const run = async (request: Partial<SubmitJob> = {}) => {
  const jobId = await submit(request);
  await waitForJob(host.platform, caller, { jobId });
  return jobId;
};
const explain = (jobId: string) => explainJob(host.platform, caller, { jobId });
const plan = (request: Partial<SubmitJob> = {}) =>
  planJob(host.platform, caller, { pipeline: 'docking', parameters: { smiles: 'CCO', seed: 1 }, ...request });
const wordsOf = ({ steps }: { steps: readonly { taskName: string; rule: { words: string } }[] }) =>
  Object.fromEntries(steps.map(({ taskName, rule }) => [taskName, rule.words]));

test('the first job meets no entry, and nothing is near', async () => {
  const { job, steps, status } = await explain(await run());
  expect(status).toBe('COMPLETED');
  expect(job).toMatchObject({ taskName: '*', decision: 'miss', rule: { code: 'no_entry' }, nearest: null });
  expect(steps.map(({ taskName, decision }) => [taskName, decision])).toEqual([
    ['prepare', 'miss'],
    ['dock', 'miss'],
    ['rescore', 'skipped'],
  ]);
});

test('the same again is served as a whole, a part of it step by step, and what missed names what differs', async () => {
  const first = await run();
  const again = await explain(await run());
  expect(again.job).toMatchObject({
    decision: 'hit',
    rule: { code: 'served', facts: { jobId: first } },
    nearest: null,
  });
  expect(again.steps).toEqual([]);
  const { job, steps } = await explain(await run({ parameters: { smiles: 'CCO', seed: 2 } }));
  expect(job.nearest).toMatchObject({
    canonicalJobId: first,
    distance: 1,
    differences: [{ component: '/parameters/seed', before: 1, after: 2, words: 'parameters.seed 1 → 2' }],
  });
  expect(steps[0]).toMatchObject({ decision: 'hit', rule: { facts: { jobId: first } } });
  expect(steps[1]?.nearest?.differences.map(({ words }) => words)).toEqual(['parameters.seed 1 → 2']);
});

test.each([
  ['a better one has taken its place', 'guess'],
  ['it came out otherwise and was disowned', 'docking'],
])('a score that was not enough is told with both figures, also when %s since', async (_what, pipeline) => {
  confidence = 0.41;
  const first = await run({ pipeline, acceptStochastic: true });
  confidence = 0.9;
  const jobId = await run({ pipeline, acceptStochastic: true, minConfidence: 0.6 });
  const { job, steps } = await explain(jobId);
  const rule = {
    ...{ code: 'low_confidence', words: 'confidence 0.41 < 0.6' },
    facts: { confidence: 0.41, minConfidence: 0.6 },
  };
  const nearest = { canonicalJobId: first, distance: 0, differences: [] };
  expect(job).toMatchObject({ decision: 'miss', rule, nearest });
  const scored = steps.find(({ taskName }) => taskName === 'dock' || taskName === 'guess');
  expect(scored).toMatchObject({ decision: 'miss', rule, nearest });
});

test('a result that would not come out the same again is told as such', async () => {
  await run({ pipeline: 'guess' });
  const { job, steps } = await explain(await run({ pipeline: 'guess' }));
  for (const one of [job, steps[0]])
    expect(one).toMatchObject({
      decision: 'miss',
      rule: { code: 'not_repeatable', facts: { determinism: 'stochastic' } },
    });
});

test('an entry that left service tells when and why', async () => {
  await run();
  const at = new Date('2026-05-04T03:02:01Z');
  await host.results
    .updateTable('result_cache')
    .set({ invalidated_at: at, invalidated_reason: 'the force field was wrong' })
    .execute();
  expect((await plan()).job.rule.words).toBe('invalidated at 2026-05-04T03:02:01.000Z: the force field was wrong');
  expect((await explain(await submitQueued())).job.rule).toMatchObject({
    code: 'invalidated',
    facts: { reason: 'the force field was wrong' },
  });
  await host.results.updateTable('result_cache').set({ invalidated_reason: 'artifact_missing' }).execute();
  expect((await plan()).job.rule.words).toBe('quarantined at 2026-05-04T03:02:01.000Z: artifact missing');
  await host.results
    .updateTable('result_cache')
    .set({ invalidated_at: null, invalidated_reason: null, expires_at: at })
    .execute();
  expect((await plan()).job.rule.words).toBe('expired at 2026-05-04T03:02:01.000Z');
});

/** Accepted, and not run: what stood there stands there still. */
const submitQueued = () => submit({ runAfter: new Date(Date.now() + 3_600_000) });

test('where the cache was not to be asked, who said so is told', async () => {
  await run();
  const refreshed = await explain(await run({ useCache: false }));
  expect(refreshed.job).toMatchObject({ decision: 'not_asked', rule: { code: 'refresh' } });
  expect(wordsOf(refreshed).dock).toBe('cache not asked: submitted with useCache false');
  const fresh = await explain(await run({ pipeline: 'fresh' }));
  expect(fresh.job.rule.words).toBe('cache off: step prepare is set to refresh, so the job as a whole is not kept');
  expect(fresh.steps.map(({ decision, rule }) => [decision, rule.code])).toEqual([
    ['not_asked', 'refresh'],
    ['hit', 'served'],
  ]);
});

test('statistics count each decision that explanations tell, by the same reasons', async () => {
  await publish('uncached', [{ ...PREPARE, cache: 'off' }, DOCK]);
  const jobIds = [await run(), await run(), await run({ useCache: false }), await run({ pipeline: 'guess' })];
  for (const pipeline of ['guess', 'fresh', 'uncached']) jobIds.push(await run({ pipeline }));
  jobIds.push(await run({ pipeline: 'uncached', useCache: false }));
  const explained = await Promise.all(jobIds.map(explain));
  const told = explained.flatMap(({ job, steps }) => [job, ...steps]);
  const count = (...decisions: string[]) => {
    const codes = told.flatMap(({ decision, rule }) => (decisions.includes(decision) ? [rule.code] : []));
    return Object.fromEntries([...Map.groupBy(codes, (code) => code)].map(([code, all]) => [code, all.length]));
  };
  const { hits, misses } = await cacheStatistics(host.platform, caller);
  expect({ served: hits }).toEqual(count('hit'));
  expect(misses).toEqual(count('miss', 'not_asked'));
  expect(misses).toMatchObject({ refresh: 6, off: 4 });
});

test('what hits saved is what computing again would have taken, also of what was served itself or evicted since', async () => {
  await run();
  // Each step takes 2 s. Served step by step, nothing of it computed; then as a whole, what itself had computed nothing.
  const noted = { parameters: { smiles: 'CCO', seed: 1, note: 'another job' } };
  await run(noted);
  const saved = async () => (await cacheStatistics(host.platform, caller)).savedMs;
  expect(await saved()).toBe(4_000);
  await run(noted);
  expect(await saved()).toBe(8_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const parameters = { smiles: 'CCO', seed: 2 };
  const leader = await submit({ parameters });
  await expect.poll(async () => (await explain(leader)).steps[1]?.decision).toBe('miss');
  const waiting = await submit({ parameters });
  resolve();
  await waitForJob(host.platform, caller, { jobId: waiting });
  const statistics = await cacheStatistics(host.platform, caller);
  expect(statistics).toMatchObject({ hits: 5, hitsAfterWaiting: 1, flightsJoined: 1, savedMs: 14_000 });
  await evictEntries(host.platform, caller, { maxBytes: 0 });
  expect(await saved()).toBe(14_000);
});

test('who waits for an equal job is told which, before and after', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const leader = await submit();
  const waiting = await submit();
  expect((await plan()).job).toMatchObject({ outlook: 'join', rule: { code: 'in_flight', facts: { jobId: leader } } });
  expect((await plan()).quota).toEqual({ jobs: 1, computeSeconds: { p50: 0, p95: 0 } });
  expect((await explain(waiting)).job).toMatchObject({
    decision: 'waited',
    rule: { words: `in flight: waits for job ${leader}` },
  });
  resolve();
  await waitForJob(host.platform, caller, { jobId: waiting });
  expect((await explain(waiting)).job).toMatchObject({
    decision: 'waited',
    rule: { words: `in flight: waited for job ${leader}` },
  });
});

test('a step that waits for the same step of another job is told which', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const leader = await submit();
  await expect.poll(async () => (await explain(leader)).steps[1]?.decision).toBe('miss');
  const other = { parameters: { smiles: 'CCO', seed: 1, note: 'another job' } };
  const planned = await plan(other);
  expect(planned.steps.map(({ taskName, outlook }) => [taskName, outlook])).toEqual([
    ['prepare', 'hit'],
    ['dock', 'join'],
    ['rescore', 'skip'],
  ]);
  expect(planned.steps[1]?.rule.facts).toEqual({ jobId: leader, taskName: 'dock' });
  const waiting = await submit(other);
  await expect
    .poll(async () =>
      (await host.results.selectFrom('job_events').select('event').where('job_id', '=', waiting).execute()).map(
        ({ event }) => event,
      ),
    )
    .toContain('TASK_JOINED');
  expect((await explain(waiting)).steps[1]).toMatchObject({
    decision: 'waited',
    rule: { words: `in flight: waits for job ${leader}` },
  });
  resolve();
  await waitForJob(host.platform, caller, { jobId: waiting });
  expect((await explain(waiting)).steps[1]).toMatchObject({
    decision: 'waited',
    rule: { facts: { waitedFor: leader } },
  });
});

test('a job that waited for a result of too little confidence is told both figures, and so is its step', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  [gate, confidence] = [promise, 0.41];
  const leader = await submit();
  await expect.poll(async () => (await explain(leader)).steps[1]?.decision).toBe('miss');
  const waiting = await submit({ minConfidence: 0.6 });
  const other = await submit({ minConfidence: 0.6, parameters: { smiles: 'CCO', seed: 1, note: 'another job' } });
  await expect.poll(async () => (await explain(other)).steps[1]?.decision).toBe('waited');
  resolve();
  for (const jobId of [leader, waiting, other]) await waitForJob(host.platform, caller, { jobId });
  const rule = {
    code: 'low_confidence',
    words: `waited for job ${leader}: confidence 0.41 < 0.6`,
    facts: { confidence: 0.41, minConfidence: 0.6, waitedFor: leader },
  };
  expect((await explain(waiting)).job).toMatchObject({ decision: 'miss', rule });
  expect((await explain(other)).steps[1]).toMatchObject({ decision: 'miss', rule });
});

test('a canceled job is told as canceled, before or after it began, and so are its steps', async () => {
  const early = await submitQueued();
  expect(await cancelJob(host.platform, caller, { jobId: early })).toBe('CANCELED');
  const before = await explain(early);
  expect(before.job).toMatchObject({
    decision: 'miss',
    rule: { code: 'no_entry', words: 'no entry; canceled before it began', facts: { canceled: 'before' } },
  });
  expect(before.steps[1]).toMatchObject({ decision: 'skipped', rule: { code: 'canceled' } });
  expect(wordsOf(before)).toMatchObject({ prepare: 'canceled before it began', dock: 'canceled before it began' });

  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const parameters = { smiles: 'CCO', seed: 101 };
  const late = await submit({ parameters });
  await expect.poll(async () => (await explain(late)).steps[1]?.decision).toBe('miss');
  const waiting = await submit({ parameters });
  await cancelJob(host.platform, caller, { jobId: waiting });
  expect((await explain(waiting)).job).toMatchObject({
    decision: 'waited',
    rule: { code: 'in_flight', words: `in flight: waited for job ${late}; canceled before it began` },
  });
  await cancelJob(host.platform, caller, { jobId: late });
  resolve();
  expect(await waitForJob(host.platform, caller, { jobId: late })).toBe('CANCELED');
  const after = await explain(late);
  expect(after.job.rule.words).toBe('no entry; canceled after it began');
  expect(wordsOf(after)).toEqual({
    prepare: 'no entry',
    dock: 'no entry; canceled after it began',
    rescore: 'canceled before it began',
  });
});

test('who would wait is told how much of the leader is left, and nothing below zero', async () => {
  // Above 100 poses are rescored, which takes as long as docking.
  await run({ parameters: { smiles: 'CCO', seed: 109 } });
  const asked = { parameters: { smiles: 'CCO', seed: 101 } };
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const leader = await submit(asked);
  await expect.poll(async () => (await explain(leader)).steps[1]?.decision).toBe('miss');
  const runningFor = (ms: number) =>
    host.results
      .updateTable('task_executions')
      .set({ started_at: new Date(Date.now() - ms) })
      .where('job_id', '=', leader)
      .where('task_name', '=', 'dock')
      .execute();
  const other = { parameters: { smiles: 'CCO', seed: 101, note: 'another job' } };
  await runningFor(1_500);
  const [whole, step] = [await plan(asked), (await plan(other)).steps[1]];
  expect(whole).toMatchObject({
    job: { outlook: 'join' },
    steps: [],
    quota: { jobs: 1, computeSeconds: { p50: 0, p95: 0 } },
  });
  expect(step).toMatchObject({ outlook: 'join', expected: { samples: 2 } });
  expect(step?.expected?.p50).toBeGreaterThan(0);
  expect(step?.expected?.p50).toBeLessThanOrEqual(0.5);
  expect(whole.expected.elapsedSeconds?.p50).toBeGreaterThan(2);
  expect(whole.expected.elapsedSeconds?.p50).toBeLessThanOrEqual(2.5);
  await runningFor(3_600_000);
  expect((await plan(asked)).expected.elapsedSeconds).toEqual({ p50: 2, p95: 2 });
  expect((await plan(other)).steps[1]?.expected).toMatchObject({ p50: 0, p95: 0 });
  resolve();
  await waitForJob(host.platform, caller, { jobId: leader });
});

test('a suspicious answer that the pipeline wants computed again is foreseen and told as such', async () => {
  // Served by the first pipeline, whose poses nobody judges.
  await run();
  const request = { pipeline: 'judged' };
  expect((await plan(request)).steps[1]).toMatchObject({
    taskName: 'dock',
    outlook: 'miss',
    rule: { code: 'suspicious' },
  });
  expect((await explain(await run(request))).steps[1]).toMatchObject({
    decision: 'miss',
    rule: { code: 'suspicious' },
  });
});

test('each item of a list is explained by itself', async () => {
  const list = (...ns: number[]) => ({ pipeline: 'screen', parameters: { list: ns.map((n) => ({ id: `i${n}`, n })) } });
  await run(list(1, 2));
  const planned = await plan(list(1, 3));
  const { steps } = await explain(await run(list(1, 3)));
  expect(steps.map(({ taskName, decision, nearest }) => [taskName, decision, nearest?.differences[0]?.words])).toEqual([
    ['each[i1]', 'hit', undefined],
    ['each[i3]', 'miss', 'parameters.n 2 → 3'],
  ]);
  expect(planned.steps.map(({ taskName, outlook }) => [taskName, outlook])).toEqual([
    ['each[i1]', 'hit'],
    ['each[i3]', 'miss'],
  ]);
});

test('a plan says what is served, computed and not known yet, what it takes, and leaves nothing behind', async () => {
  const before = await plan();
  expect(before.steps.map(({ taskName, outlook }) => [taskName, outlook])).toEqual([
    ['prepare', 'miss'],
    ['dock', 'unknown'],
    ['rescore', 'skip'],
  ]);
  expect(before.steps[1]?.rule.words).toBe('unknown until prepare has run');
  expect(before.expected).toEqual({ elapsedSeconds: null, unknownSteps: ['prepare', 'dock'] });
  await run();
  await host.platform.cache.flush();
  const hits = () =>
    host.results.selectFrom('result_cache').select(['cache_key', 'hit_count']).orderBy('cache_key').execute();
  const jobs = () => host.results.selectFrom('jobs').select('job_id').execute();
  const [hitsBefore, jobsBefore] = [await hits(), await jobs()];
  expect((await plan()).job).toMatchObject({ outlook: 'hit' });
  const next = await plan({ parameters: { smiles: 'CCO', seed: 2 } });
  expect(next.steps.map(({ taskName, outlook, expected }) => [taskName, outlook, expected?.p50])).toEqual([
    ['prepare', 'hit', undefined],
    ['dock', 'miss', 2],
    ['rescore', 'skip', undefined],
  ]);
  expect(next.expected).toEqual({ elapsedSeconds: { p50: 2, p95: 2 }, unknownSteps: [] });
  expect(next.quota).toEqual({ jobs: 1, computeSeconds: { p50: 2, p95: 2 } });
  await host.platform.cache.flush();
  expect([await hits(), await jobs()]).toEqual([hitsBefore, jobsBefore]);
});

test('what steps took is known after their entries were evicted, and of those that leave none', async () => {
  for (let n = 0; n < 5; n++) await run({ pipeline: 'guess', useCache: false });
  await run();
  await run({ useCache: false });
  await evictEntries(host.platform, caller, { maxBytes: 0 });
  const { steps } = await plan({ useCache: false });
  expect(steps.map(({ taskName, expected }) => [taskName, expected?.p50, expected?.samples])).toEqual([
    ['prepare', 2, 2],
    ['dock', 2, 2],
    ['rescore', undefined, undefined],
  ]);
  const guessed = await plan({ pipeline: 'guess', useCache: false });
  expect(guessed.steps[0]?.expected).toEqual({ p50: 2, p95: 2, samples: 5, basis: ['input bytes', '/seed'] });
  await publish('off', [{ ...PREPARE, cache: 'off' }]);
  await run({ pipeline: 'off' });
  expect((await plan({ pipeline: 'off' })).steps[0]?.expected).toMatchObject({ p50: 2, samples: 1 });
});

test('both ask for their permissions, and see one organization', async () => {
  const jobId = await run();
  await expect(explainJob(host.platform, callerWith('job.view'), { jobId })).rejects.toMatchObject({
    code: 'MAD_CORE_PERMISSION_DENIED',
  });
  await expect(explainJob(host.platform, callerWith('cache.view'), { jobId })).rejects.toMatchObject({
    code: 'MAD_CORE_PERMISSION_DENIED',
  });
  await expect(explainJob(host.platform, { ...caller, orgId: newId() }, { jobId })).rejects.toMatchObject({
    code: 'MAD_CORE_NOT_FOUND',
  });
  await expect(explain(newId())).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
  const request = { pipeline: 'docking', parameters: { smiles: 'CCO', seed: 1 } };
  await expect(planJob(host.platform, callerWith('job.create'), request)).rejects.toMatchObject({
    code: 'MAD_CORE_PERMISSION_DENIED',
  });
  await expect(planJob(host.platform, callerWith('cache.view'), request)).rejects.toMatchObject({
    code: 'MAD_CORE_PERMISSION_DENIED',
  });
  await expect(plan({ pipeline: 'nothing' })).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
});
