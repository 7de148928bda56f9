import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  forkJob,
  type JobStatus,
  type JsonObject,
  listJobEvents,
  publishPipeline,
  retryJob,
  type SubmitJob,
  submitJob,
} from '../../src/index.ts';
import {
  callerOf,
  createTestTasks,
  ORG_ID,
  OTHER_ORG_ID,
  openTestPlatform,
  step,
  type TestPlatform,
} from '../executor/test-platform.ts';

const STEPS = [
  step('prepare', { inputs: { smiles: { from: '/parameters/smiles' } } }),
  step('box', { inputs: { size: { from: '/parameters/size' } } }),
  step('dock', {
    inputs: { ligand: { from: '/steps/prepare/output/ligand' }, box: { from: '/steps/box/output/box' } },
  }),
  step('report', { inputs: { poses: { from: '/steps/dock/output/poses' } } }),
];
const RESULTS = { prepare: { ligand: 'L' }, box: { box: 'B' }, dock: { poses: [] }, report: { text: 'fine' } };

describe.each(['pglite', 'postgres'] as const)('running a job again on %s', (kind) => {
  let host: TestPlatform;
  beforeAll(async () => {
    const answer = () => ({});
    host = await openTestPlatform(
      kind,
      createTestTasks({ prepare: answer, box: answer, dock: answer, report: answer, list: answer }),
    );
    await publish('docking', '1.0.0', STEPS);
    await publish('docking', '2.0.0', [
      ...STEPS.slice(0, 2),
      step('dock', { ...STEPS[2], parameters: { task: 'dock', exhaustiveness: 32 } }),
      step('report', { ...STEPS[3], timeoutMs: 5 }),
    ]);
    await publish('screen', '1.0.0', [
      step('list', { inputs: { smiles: { from: '/parameters/smiles' } } }),
      step('dock', {
        inputs: { ligand: { from: '/item/smiles' }, size: { from: '/parameters/size' } },
        forEach: { items: { from: '/steps/list/output/ligands' }, key: '/id', onItemFailure: 'skip' },
      }),
      step('report', { inputs: { all: { from: '/steps/dock/output' } } }),
    ]);
    await publish('given', '1.0.0', [
      step('dock', {
        inputs: { ligand: { from: '/item/smiles' } },
        forEach: { items: { from: '/parameters/ligands' }, key: '/id' },
      }),
    ]);
    await publish('branch', '1.0.0', [
      step('prepare', { when: { from: '/parameters/size', above: 100 } }),
      step('report', { dependsOn: ['prepare'], inputs: { smiles: { from: '/parameters/smiles' } } }),
      step('box', { dependsOn: ['report'] }),
    ]);
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(() => host.results.deleteFrom('jobs').execute());

  const parameters = {
    type: 'object',
    properties: {
      smiles: { type: 'string', default: 'CCO' },
      size: { type: 'number', default: 20 },
      ligands: { type: 'array', default: [] },
    },
  };
  const publish = (name: string, version: string, tasks: readonly JsonObject[]) =>
    publishPipeline(host.platform, host.caller, {
      name,
      version,
      spec: { version: 1, parameters, tasks: tasks as unknown as ReturnType<typeof step>[] },
    });
  /** A job that is over, with these results. */
  const end = async (
    results: Readonly<Record<string, JsonObject>>,
    { status = 'FAILED', ...request }: Partial<SubmitJob> & { status?: JobStatus } = {},
  ): Promise<string> => {
    const { jobId } = await submitJob(host.platform, host.caller, {
      pipeline: 'docking',
      version: '1.0.0',
      ...request,
    });
    for (const [task_name, result_data] of Object.entries(results)) {
      const row = { job_id: jobId, task_name, result_data, service_name: 's', confidence_score: 0.5 };
      await host.results.insertInto('task_results').values(row).execute();
    }
    await host.results.updateTable('jobs').set({ status }).where('job_id', '=', jobId).execute();
    return jobId;
  };
  const taken = async (jobId: string): Promise<string[]> => {
    const rows = await host.results.selectFrom('task_results').selectAll().where('job_id', '=', jobId).execute();
    return rows.map(({ task_name }) => task_name).sort();
  };
  const jobOf = (jobId: string) =>
    host.results.selectFrom('jobs').selectAll().where('job_id', '=', jobId).executeTakeFirstOrThrow();
  const without = (...names: (keyof typeof RESULTS)[]) =>
    Object.fromEntries(Object.entries(RESULTS).filter(([name]) => !(names as string[]).includes(name)));

  test('a retried job keeps the results of the steps that have one, as rows, events and origin', async () => {
    const first = await end(without('dock', 'report'), { priority: 4, itemKey: 'mol-1' });
    const { jobId, status } = await retryJob(host.platform, host.caller, { jobId: first });
    expect([status, jobId === first]).toEqual(['PENDING', false]);
    expect(await taken(jobId)).toEqual(['box', 'prepare']);
    expect(await jobOf(jobId)).toMatchObject({
      forked_from: first,
      priority: 4,
      item_key: 'mol-1',
      params: { smiles: 'CCO', size: 20 },
    });
    const row = {
      job_id: jobId,
      task_name: 'prepare',
      result_data: { ligand: 'L' },
      service_name: 's',
      confidence_score: 0.5,
    };
    expect(
      await host.results.selectFrom('task_results').selectAll().where('job_id', '=', jobId).execute(),
    ).toContainEqual(expect.objectContaining(row));
    const events = await listJobEvents(host.results, { jobId });
    expect(events.map(({ seq_no, event, detail }) => [seq_no, event, detail])).toEqual([
      [1, 'QUEUED', null],
      [2, 'TASK_REUSED', 'prepare'],
      [3, 'TASK_REUSED', 'box'],
    ]);
    expect((await jobOf(jobId)).last_event_seq).toSatisfy((last) => Number(last) === 3);
    expect((await jobOf(first)).status).toBe('FAILED');
  });

  test('a step whose source has no result runs again though it has one itself', async () => {
    const first = await end(without('dock'));
    const { jobId } = await retryJob(host.platform, host.caller, { jobId: first });
    expect(await taken(jobId)).toEqual(['box', 'prepare']);
  });

  test('a changed parameter reaches what is bound to it and what follows, nothing else', async () => {
    const first = await end(RESULTS, { status: 'COMPLETED' });
    const bigger = await forkJob(host.platform, host.caller, { jobId: first, parameters: { size: 25 } });
    expect(await taken(bigger.jobId)).toEqual(['prepare']);
    expect((await jobOf(bigger.jobId)).params).toMatchObject({ smiles: 'CCO', size: 25 });
    const other = await forkJob(host.platform, host.caller, { jobId: first, parameters: { smiles: 'CCN' } });
    expect(await taken(other.jobId)).toEqual(['box']);
    const same = await forkJob(host.platform, host.caller, { jobId: first, parameters: { size: 20 } });
    expect(await taken(same.jobId)).toEqual(['box', 'dock', 'prepare', 'report']);
  });

  test('another version reaches the steps that it defines otherwise, and what follows', async () => {
    const first = await end(RESULTS, { status: 'COMPLETED' });
    const { jobId } = await forkJob(host.platform, host.caller, { jobId: first, version: '2.0.0' });
    expect(await taken(jobId)).toEqual(['box', 'prepare']);
    expect((await jobOf(jobId)).pipeline_version).toBe('docking@2.0.0');
  });

  test('of a fan-out the failed items alone run again, and what took them all in', async () => {
    const ligands = ['a', 'b', 'c'].map((id) => ({ id, smiles: `C${id}` }));
    const done = { list: { ligands }, 'dock[a]': { poses: [1] }, 'dock[c]': { poses: [3] } };
    const first = await end({ ...done, report: { text: 'two' } }, { pipeline: 'screen', status: 'COMPLETED' });
    const { jobId } = await retryJob(host.platform, host.caller, { jobId: first });
    expect(await taken(jobId)).toEqual(['dock[a]', 'dock[c]', 'list']);
    const all = await end({ ...done, 'dock[b]': { poses: [2] }, report: { text: 'all' } }, { pipeline: 'screen' });
    const again = await retryJob(host.platform, host.caller, { jobId: all });
    expect(await taken(again.jobId)).toEqual(['dock[a]', 'dock[b]', 'dock[c]', 'list', 'report']);
    const sized = await forkJob(host.platform, host.caller, { jobId: all, parameters: { size: 30 } });
    expect(await taken(sized.jobId)).toEqual(['list']);
  });

  test('of a changed list the items that stayed the same are kept', async () => {
    const ligands = [
      { id: 'a', smiles: 'C' },
      { id: 'b', smiles: 'CC' },
    ];
    const results = { 'dock[a]': { poses: [1] }, 'dock[b]': { poses: [2] } };
    const first = await end(results, { pipeline: 'given', parameters: { ligands }, status: 'COMPLETED' });
    const changed = [
      { id: 'b', smiles: 'CCC' },
      { id: 'c', smiles: 'N' },
      { smiles: 'C', id: 'a' },
    ];
    const { jobId } = await forkJob(host.platform, host.caller, { jobId: first, parameters: { ligands: changed } });
    expect(await taken(jobId)).toEqual(['dock[a]']);
  });

  test('a step whose condition does not hold is in no way of those behind it', async () => {
    const first = await end({ report: { text: 'r' } }, { pipeline: 'branch' });
    expect(await taken((await retryJob(host.platform, host.caller, { jobId: first })).jobId)).toEqual(['report']);
    const larger = await forkJob(host.platform, host.caller, { jobId: first, parameters: { size: 200 } });
    expect(await taken(larger.jobId)).toEqual([]);
  });

  test('a job that the cache answered is forked from the results of the job that really ran', async () => {
    const real = await end(RESULTS, { status: 'COMPLETED' });
    const hit = await end({}, { status: 'COMPLETED' });
    await host.results.updateTable('jobs').set({ canonical_job_id: real }).where('job_id', '=', hit).execute();
    const { jobId } = await forkJob(host.platform, host.caller, { jobId: hit, parameters: { size: 25 } });
    expect(await taken(jobId)).toEqual(['prepare']);
    expect((await jobOf(jobId)).forked_from).toBe(hit);
  });

  test('whether the cache is asked is as for the job, unless said otherwise; results of the job stay', async () => {
    const uses = async (jobId: string) => ((await jobOf(jobId)).cache as { use: boolean }).use;
    const cached = await end(without('report'));
    const fresh = await retryJob(host.platform, host.caller, { jobId: cached, useCache: false });
    expect(await uses(fresh.jobId)).toBe(false);
    expect(await taken(fresh.jobId)).toEqual(['box', 'dock', 'prepare']);
    expect(await uses((await retryJob(host.platform, host.caller, { jobId: cached })).jobId)).toBe(true);
    const uncached = await end(RESULTS, { useCache: false });
    expect(await uses((await forkJob(host.platform, host.caller, { jobId: uncached })).jobId)).toBe(false);
    const forked = await forkJob(host.platform, host.caller, { jobId: uncached, useCache: true });
    expect(await uses(forked.jobId)).toBe(true);
  });

  test('the same retry under the same key is one job', async () => {
    const first = await end(without('dock', 'report'));
    const retry = () => retryJob(host.platform, host.caller, { jobId: first, idempotencyKey: 'again' });
    const jobs = await Promise.all([retry(), retry(), retry()]);
    expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(1);
    expect(await taken(jobs[0]?.jobId ?? '')).toEqual(['box', 'prepare']);
  });

  test('a job that is not over, is not there, is not theirs or does not fit is refused and leaves nothing', async () => {
    const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'docking' });
    await expect(retryJob(host.platform, host.caller, { jobId })).rejects.toThrow(/job that is over; it is PENDING/);
    const first = await end(RESULTS);
    const may = (...permissions: string[]) => ({ ...host.caller, permissions: new Set(permissions) });
    await expect(retryJob(host.platform, may('job.view'), { jobId: first })).rejects.toThrow(/job\.create/);
    const misspelled = { jobId: first, useCahce: false };
    for (const again of [forkJob, retryJob])
      await expect(again(host.platform, host.caller, misspelled)).rejects.toThrow(/\/useCahce: .* useCache\?/);
    const different = { jobId: first, parameters: { size: 1 } };
    await expect(retryJob(host.platform, host.caller, different)).rejects.toThrow(/\/parameters: no such option/);
    await expect(retryJob(host.platform, may('job.create'), { jobId: first })).rejects.toThrow(/job\.view/);
    await expect(retryJob(host.platform, callerOf(OTHER_ORG_ID), { jobId: first })).rejects.toThrow(/was not found/);
    const fork = (more: object) => forkJob(host.platform, host.caller, { jobId: first, ...more });
    await expect(fork({ version: '9.0.0' })).rejects.toThrow(/was not found/);
    await expect(fork({ parameters: { size: 'big' } })).rejects.toThrow(/\/parameters\/size/);
    for (const inputs of [[], 1, 'x', null]) await expect(fork({ inputs })).rejects.toThrow(/\/inputs: /);
    for (const parameters of [[], 1, 'x', null]) await expect(fork({ parameters })).rejects.toThrow(/\/parameters: /);
    await expect(fork({ inputs: { receptor: `mad://org/${ORG_ID}/artifacts/0` } })).rejects.toThrow(
      /\/inputs\/receptor/,
    );
    expect(await host.results.selectFrom('jobs').select('job_id').execute()).toHaveLength(2);
  });
});
