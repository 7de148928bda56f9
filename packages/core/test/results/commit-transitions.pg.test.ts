import { createPostgresDatabase } from '@mad/testkit';
import { expect, test } from 'vitest';
import { ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { SQLSTATE } from '../../src/postgres/sqlstate.ts';
import { listDockingResults } from '../../src/results/docking-result.repository.ts';
import { getJob, listJobOutputs } from '../../src/results/job.repository.ts';
import { appendJobEvents, listJobEvents } from '../../src/results/job-event.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { listTaskExecutions } from '../../src/results/task-execution.repository.ts';
import { listTaskResults } from '../../src/results/task-result.repository.ts';
import { describeOnEachDatabase, insertTestJob, resultsTemplate, SCHEMA, verdict } from './each-database.ts';
import { answered, claim, closed, commit, type Moved, started } from './transitions.ts';

const { checkViolation, uniqueViolation } = SQLSTATE;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const pose = (pose_rank: number, affinity: number) => ({ pose_rank, affinity });

async function insertRunning(db: ResultsDatabase): Promise<string> {
  const jobId = await insertTestJob(db);
  await claim(db, jobId);
  return jobId;
}

/** All that was written of a job, and its row. */
async function rowsOf(db: ResultsDatabase, jobId: string) {
  return {
    job: await getJob(db, { jobId }),
    executions: await listTaskExecutions(db, { jobId }),
    results: await listTaskResults(db, { jobId }),
    outputs: await listJobOutputs(db, { jobId }),
    poses: await listDockingResults(db, { jobId }),
    events: await listJobEvents(db, { jobId }),
  };
}

describeOnEachDatabase((results) => {
  const running = () => insertRunning(results());
  const rows = (jobId: string) => rowsOf(results(), jobId);

  test('a claim brings the first attempts and events with it; its answer tells the number of the newest event', async () => {
    const jobId = await insertTestJob(results());
    await results()
      .transaction()
      .execute((tx) => appendJobEvents(tx, { jobId, events: [{ event: 'QUEUED' }] }));
    const attempt = started('dock', { cacheKey: 'k', cacheOutcome: 'miss' });
    const events = [{ event: 'STARTED' }, { event: 'TASK_STARTED', detail: 'dock', metadata: { attempt: 0 } }];
    const moved = await commit(results(), { jobId, fence: 0, claim: true, starts: [attempt], events });
    expect(moved).toEqual([{ job_id: jobId, last_event_seq: 3, cancel_requested: false }]);
    const written = await rows(jobId);
    expect(written.executions).toMatchObject([
      {
        exec_id: attempt.execId,
        task_name: 'dock',
        status: 'RUNNING',
        retries: 0,
        started_at: expect.any(Date),
        ended_at: null,
        task_definition_id: attempt.taskDefinitionId,
        worker_id: 'w',
        cache_key: 'k',
        cache_outcome: 'miss',
        error: null,
      },
    ]);
    expect(written.events.map(({ seq_no, event, detail, metadata }) => [seq_no, event, detail, metadata])).toEqual([
      [1, 'QUEUED', null, {}],
      [2, 'STARTED', null, {}],
      [3, 'TASK_STARTED', 'dock', { attempt: 0 }],
    ]);
    expect(written.job).toMatchObject({ fence: 1, last_event_seq: 3 });
  });

  test('an attempt ends once, and the next has the next number', async () => {
    const jobId = await running();
    const [first, second] = [started('dock'), started('dock', { attempt: 1 })];
    await commit(results(), { jobId, fence: 1, starts: [first] });
    const serviceId = newId();
    const failed = { execId: first.execId, status: 'FAILED', serviceId, error: { said: 'x\0y' } } as const;
    await commit(results(), { jobId, fence: 1, ends: [failed], starts: [second] });
    const before = await rows(jobId);
    expect(before.executions).toMatchObject([
      { retries: 0, status: 'FAILED', service_id: serviceId, error: { said: 'x\ufffdy' }, ended_at: expect.any(Date) },
      { retries: 1, status: 'RUNNING', ended_at: null },
    ]);
    await commit(results(), {
      jobId,
      fence: 1,
      ends: [{ ...failed, status: 'COMPLETED', serviceId: null, error: null }],
    });
    expect((await rows(jobId)).executions).toEqual(before.executions);
    const again = commit(results(), { jobId, fence: 1, starts: [started('dock', { attempt: 1 })] });
    expect(await verdict(again)).toBe(uniqueViolation);
  });

  test('a step that is settled without an attempt has ended and never started', async () => {
    const jobId = await running();
    const hit = started('dock', { status: 'COMPLETED', cacheOutcome: 'hit' });
    const skipped = started('score', { status: 'CANCELED', error: { code: 'SKIPPED' } });
    await commit(results(), { jobId, fence: 1, starts: [hit, skipped] });
    expect((await rows(jobId)).executions).toMatchObject([
      { status: 'COMPLETED', started_at: null, ended_at: expect.any(Date), cache_outcome: 'hit' },
      { status: 'CANCELED', started_at: null, ended_at: expect.any(Date), error: { code: 'SKIPPED' } },
    ]);
  });

  test('a job ends with its outputs, poses, metrics and last event', async () => {
    const jobId = await running();
    const outputs = [
      { key: 'poses', uri: 'mad://p', content_type: 'chemical/x-pdbqt', size_bytes: 2 ** 40, checksum: 'c' },
      { key: 'log', uri: 'mad://l' },
    ];
    const poses = [
      { ...pose(2, -9.1), rmsd_lb: 1.2, rmsd_ub: 2.4 },
      { ...pose(1, -9.5), metadata: { said: '\ud800' } },
    ];
    const result = answered('dock', {
      serviceName: 'vina',
      schemaVersion: '1',
      confidenceScore: 0.8,
      resultData: { best: -9.5, list: [1, null, 'a\\u0000b'] },
    });
    const close = closed({ outputs, poses, metrics: { steps: 1 } });
    const moved = await commit(results(), {
      jobId,
      fence: 1,
      results: [result],
      close,
      events: [{ event: 'COMPLETED', detail: 'a\0b', metadata: { said: '\0' } }],
    });
    expect(moved).toEqual([{ job_id: jobId, last_event_seq: 1, cancel_requested: false }]);
    expect(await rows(jobId)).toMatchObject({
      job: { status: 'COMPLETED', metrics: { steps: 1 }, error: null },
      results: [
        {
          task_name: 'dock',
          service_name: 'vina',
          schema_version: '1',
          confidence_score: 0.8,
          result_data: result.resultData,
        },
      ],
      outputs: [
        { key: 'log', uri: 'mad://l', content_type: null, size_bytes: null, checksum: null },
        { job_id: jobId, ...outputs[0] },
      ],
      poses: [
        { pose_rank: 1, affinity: -9.5, rmsd: null, metadata: { said: '\ufffd' } },
        { pose_rank: 2, affinity: -9.1, rmsd: 2.4, rmsd_lb: 1.2, rmsd_ub: 2.4, metadata: {} },
      ],
      events: [{ seq_no: 1, event: 'COMPLETED', detail: 'a\ufffdb', metadata: { said: '\ufffd' } }],
    });
  });

  test.each(['FAILED', 'CANCELED'] as const)(
    'a job that ends %s leaves no attempt open, and those that end with it keep their outcome',
    async (status) => {
      const jobId = await running();
      const [done, open, ending] = [started('a', { status: 'COMPLETED' }), started('b'), started('c')];
      await commit(results(), { jobId, fence: 1, starts: [done, open, ending] });
      const ends = [{ execId: ending.execId, status: 'FAILED', serviceId: null, error: null } as const];
      await commit(results(), { jobId, fence: 1, ends, close: closed({ status }) });
      const { executions } = await rows(jobId);
      expect(executions.map((row) => [row.task_name, row.status])).toEqual([
        ['a', 'COMPLETED'],
        ['b', 'CANCELED'],
        ['c', 'FAILED'],
      ]);
    },
  );

  test('of several jobs in one batch each is written whole, and of those that are not held nothing', async () => {
    const [fresh, moving, ending, lost, over] = [
      await insertTestJob(results()),
      await running(),
      await running(),
      await running(),
      await running(),
    ];
    await commit(results(), { jobId: over, fence: 1, close: closed() });
    const open = started('open');
    await commit(results(), { jobId: lost, fence: 1, starts: [open] });
    await results()
      .updateTable('jobs')
      .set({ lease_expires_at: new Date(0) })
      .where('job_id', '=', lost)
      .execute();
    await claim(results(), lost, { fence: 1 });
    const unmoved = [await rows(lost), await rows(over)];

    const all = (jobId: string): Moved => ({
      jobId,
      fence: 1,
      starts: [started('dock')],
      results: [answered('dock')],
      events: [{ event: 'A' }, { event: 'B' }],
    });
    const close = closed({ outputs: [{ key: 'poses', uri: 'mad://p' }], poses: [pose(1, -7)] });
    const end = { execId: open.execId, status: 'FAILED', serviceId: null, error: null } as const;
    const moved = await commit(
      results(),
      { ...all(over), close },
      { ...all(lost), ends: [end], close: closed({ status: 'FAILED' }) },
      all(moving),
      { ...all(lost), jobId: newId() },
      { ...all(ending), close },
      { ...all(fresh), fence: 0, claim: true },
    );
    expect(new Map(moved.map((row) => [row.job_id, row.last_event_seq]))).toEqual(
      new Map([
        [fresh, 2],
        [moving, 2],
        [ending, 2],
      ]),
    );
    expect([await rows(lost), await rows(over)]).toEqual(unmoved);
    for (const [jobId, status] of [
      [fresh, 'RUNNING'],
      [moving, 'RUNNING'],
      [ending, 'COMPLETED'],
    ] as const) {
      const { job, executions, results: answers, events, outputs, poses } = await rows(jobId);
      expect([job.status, executions.length, answers.length, events.map((row) => row.event)]).toEqual([
        status,
        1,
        1,
        ['A', 'B'],
      ]);
      expect([outputs.length, poses.length]).toEqual(jobId === ending ? [1, 1] : [0, 0]);
    }
  });

  test.each([
    ['a pose without a finite affinity', { close: closed({ poses: [pose(1, Number.NaN)] }) }, checkViolation],
    ['a pose of infinite affinity', { close: closed({ poses: [pose(1, Number.NEGATIVE_INFINITY)] }) }, checkViolation],
    ['a rank that is taken', { close: closed({ poses: [pose(1, -7), pose(1, -6)] }) }, uniqueViolation],
    ['a confidence above 1', { results: [answered('dock', { confidenceScore: 1.5 })] }, checkViolation],
    ['a step that is committed', { results: [answered('prepare')] }, uniqueViolation],
    ['a name with NUL', { results: [answered('dock\0')] }, '22021'],
  ])('%s is refused, and with it the batch', async (_, wrong, state) => {
    const [jobId, other] = [await running(), await running()];
    await commit(results(), { jobId, fence: 1, results: [answered('prepare', { resultData: { n: 1 } })] });
    const before = [await rows(jobId), await rows(other)];
    const refused = commit(
      results(),
      { jobId: other, fence: 1, events: [{ event: 'A' }] },
      { jobId, fence: 1, ...wrong },
    );
    expect(await verdict(refused)).toBe(state);
    expect([await rows(jobId), await rows(other)]).toEqual(before);
  });

  test('a result that jsonb cannot hold is refused before the database sees it', async () => {
    const jobId = await running();
    for (const smiles of ['C\0C', 'C\ud800C']) {
      const result = answered('dock', { resultData: { smiles } });
      await expect(commit(results(), { jobId, fence: 1, results: [result] })).rejects.toThrow(ValidationFailedError);
    }
  });

  test('attempts and events leave the time of the job’s last change alone, its end does not', async () => {
    const lease = { status: 'RUNNING', fence: 1, lease_expires_at: new Date(Date.now() + 60_000) };
    const jobId = await insertTestJob(results(), { ...lease, updated_at: new Date(0) });
    const changedAt = async () => (await getJob(results(), { jobId })).updated_at.getTime();
    await commit(results(), { jobId, fence: 1, starts: [started('dock')], events: [{ event: 'TASK_STARTED' }] });
    expect(await changedAt()).toBe(0);
    await commit(results(), { jobId, fence: 1, close: closed() });
    expect(await changedAt()).toBeGreaterThan(Date.now() - 60_000);
  });

  test('a batch of five hundred jobs is one call', async () => {
    const jobIds = upTo(500).map(() => newId());
    await results()
      .insertInto('jobs')
      .values(jobIds.map((job_id) => ({ job_id, pipeline_version: 'dock@1.0.0' })))
      .execute();
    const moved = await commit(
      results(),
      ...jobIds.map((jobId) => ({ jobId, fence: 0, claim: true, events: [{ event: 'STARTED' }] })),
    );
    expect(new Set(moved.map((row) => row.job_id))).toEqual(new Set(jobIds));
    expect(moved.every((row) => row.last_event_seq === 1)).toBe(true);
    expect(await commit(results())).toEqual([]);
  });
});

test('batches on eight connections, among events appended by others, number each job’s events 1..n, and time never falls along them', async () => {
  await using database = await createPostgresDatabase(resultsTemplate);
  const results = openResultsDatabase(database.db, { schema: SCHEMA });
  const jobIds = [await insertRunning(results), await insertRunning(results), await insertRunning(results)];
  const events = [{ event: 'A' }, { event: 'B' }];
  const writer = async (name: number) => {
    for (let i = 0; i < 20; i++) {
      await commit(results, ...jobIds.map((jobId) => ({ jobId, fence: 1, events })));
      const jobId = jobIds[(name + i) % jobIds.length] ?? '';
      await results.transaction().execute((tx) => appendJobEvents(tx, { jobId, events: [{ event: 'C' }] }));
    }
  };
  await Promise.all(upTo(8).map(writer));
  let appended = 0;
  for (const jobId of jobIds) {
    const rows = await listJobEvents(results, { jobId, limit: 1_000 });
    expect(rows.map((row) => row.seq_no)).toEqual(upTo(rows.length));
    expect(rows.filter((row) => row.event !== 'C')).toHaveLength(320);
    expect(rows.every((row, index) => index === 0 || row.ts >= (rows[index - 1]?.ts ?? row.ts))).toBe(true);
    expect((await getJob(results, { jobId })).last_event_seq).toBe(rows.length);
    appended += rows.length - 320;
  }
  expect(appended).toBe(160);
});
