import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ResultsDatabaseMismatchError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { SQLSTATE } from '../../src/postgres/sqlstate.ts';
import { checkResultsStamp, stampResults } from '../../src/results/results-stamp.ts';
import { JOB_STATUSES, type JobStatus } from '../../src/results/tables/job-status.ts';
import { describeOnEachDatabase, insertTestJob, SCHEMA, verdict } from './each-database.ts';

const { checkViolation, foreignKeyViolation, uniqueViolation } = SQLSTATE;

describeOnEachDatabase((results) => {
  test('a job has one pose of each rank; the same rank of another molecule is another job of the screening', async () => {
    const screening_id = newId();
    const [one, two] = [
      await insertTestJob(results(), { screening_id, item_key: 'a' }),
      await insertTestJob(results(), { screening_id, item_key: 'b' }),
    ];
    const pose = (job_id: string) =>
      results().insertInto('docking_results').values({ job_id, pose_rank: 1, affinity: -7 });
    expect([await verdict(pose(one)), await verdict(pose(two)), await verdict(pose(one))]).toEqual([
      'accepted',
      'accepted',
      uniqueViolation,
    ]);
  });

  test('every instance of a fanned-out step has its own result, once', async () => {
    const job_id = await insertTestJob(results());
    const result = (task_name: string) => results().insertInto('task_results').values({ job_id, task_name });
    const verdicts = [
      await verdict(result('dock[a]')),
      await verdict(result('dock[b]')),
      await verdict(result('dock[a]')),
    ];
    expect(verdicts).toEqual(['accepted', 'accepted', uniqueViolation]);
  });

  test('every attempt of a step has its own row, once', async () => {
    const job_id = await insertTestJob(results());
    const attempt = (retries: number) =>
      results().insertInto('task_executions').values({ job_id, task_name: 'dock', retries });
    const verdicts = [
      await verdict(attempt(0)),
      await verdict(attempt(1)),
      await verdict(attempt(1)),
      await verdict(attempt(-1)),
    ];
    expect(verdicts).toEqual(['accepted', 'accepted', uniqueViolation, checkViolation]);
  });

  test('events and log lines are numbered from 1', async () => {
    const job_id = await insertTestJob(results());
    const event = (seq_no: number) => results().insertInto('job_events').values({ job_id, seq_no, event: 'QUEUED' });
    const line = (line_no: number) => results().insertInto('task_logs').values({ job_id, line_no, message: 'x' });
    expect([await verdict(event(0)), await verdict(event(1)), await verdict(event(1))]).toEqual([
      checkViolation,
      'accepted',
      uniqueViolation,
    ]);
    expect([await verdict(line(0)), await verdict(line(1)), await verdict(line(1))]).toEqual([
      checkViolation,
      'accepted',
      uniqueViolation,
    ]);
  });

  test('an affinity is finite, however absurd', async () => {
    const job_id = await insertTestJob(results());
    const pose = (affinity: number, pose_rank: number) =>
      results().insertInto('docking_results').values({ job_id, pose_rank, affinity });
    const refused = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const affinity of refused) expect(await verdict(pose(affinity, 1))).toBe(checkViolation);
    for (const [index, affinity] of [-181.2, 0, 13_660].entries())
      expect(await verdict(pose(affinity, index + 1))).toBe('accepted');
    expect(await verdict(pose(-7, 0))).toBe(checkViolation);
  });

  test('rmsd is the upper bound, and no bound is negative or without end', async () => {
    const job_id = await insertTestJob(results());
    const pose = (rmsd: { rmsd?: number; rmsd_lb?: number; rmsd_ub?: number }) =>
      results()
        .insertInto('docking_results')
        .values({ job_id, pose_rank: 1, affinity: -7, ...rmsd })
        .onConflict((conflict) => conflict.columns(['job_id', 'pose_rank']).doUpdateSet({ rmsd: null }));
    expect(await verdict(pose({ rmsd: 2.1, rmsd_lb: 1.4, rmsd_ub: 2.1 }))).toBe('accepted');
    expect(await verdict(pose({ rmsd: 1.4, rmsd_lb: 1.4, rmsd_ub: 2.1 }))).toBe(checkViolation);
    expect(await verdict(pose({ rmsd_lb: -1 }))).toBe(checkViolation);
    expect(await verdict(pose({ rmsd_ub: Number.NaN }))).toBe(checkViolation);
    expect(await verdict(pose({ rmsd: Number.POSITIVE_INFINITY }))).toBe(checkViolation);
  });

  test('a confidence lies in 0..1 or is absent', async () => {
    const job_id = await insertTestJob(results());
    const result = (confidence_score: number | null) =>
      results()
        .insertInto('task_results')
        .values({ job_id, task_name: `step[${confidence_score}]`, confidence_score });
    const entry = (confidence_score: number | null) =>
      results()
        .insertInto('result_cache')
        .values({
          cache_key: `key ${confidence_score}`,
          pipeline_version: 'dock@1',
          task_name: '*',
          canonical_job_id: job_id,
          confidence_score,
        });
    for (const write of [result, entry]) {
      for (const score of [0, 0.5, 1, null]) expect(await verdict(write(score))).toBe('accepted');
      for (const score of [-0.01, 1.01, Number.NaN, Number.POSITIVE_INFINITY])
        expect(await verdict(write(score))).toBe(checkViolation);
    }
  });

  test('an idempotency key names one job; jobs without one are free', async () => {
    const submit = (idempotency_key: string | null) => insertTestJob(results(), { idempotency_key });
    expect([await verdict(submit('k')), await verdict(submit('k'))]).toEqual(['accepted', uniqueViolation]);
    expect([await verdict(submit(null)), await verdict(submit(null))]).toEqual(['accepted', 'accepted']);
  });

  test.each([
    ['PENDING', ['RUNNING', 'COMPLETED', 'FAILED', 'CANCELED']],
    ['RUNNING', ['COMPLETED', 'FAILED', 'CANCELED']],
    ['COMPLETED', []],
    ['FAILED', []],
    ['CANCELED', []],
  ] as const)('a job that is %s becomes %j and nothing else', async (from, allowed: readonly JobStatus[]) => {
    for (const to of JOB_STATUSES.filter((status) => status !== from)) {
      const jobId = await insertTestJob(results(), {
        status: from,
        lease_owner: 'w',
        lease_expires_at: new Date(Date.now() + 60_000),
      });
      const change = results().updateTable('jobs').set({ status: to }).where('job_id', '=', jobId);
      expect({ to, verdict: await verdict(change) }).toEqual({
        to,
        verdict: allowed.includes(to) ? 'accepted' : checkViolation,
      });
    }
  });

  test('a running job is PENDING again when its lease has expired or is let expire, not before and not without a lease', async () => {
    const soon = new Date(Date.now() + 60_000);
    const past = new Date(Date.now() - 1000);
    const requeue = async (lease_expires_at: Date | null, columns: { lease_expires_at?: Date | null } = {}) => {
      const jobId = await insertTestJob(results(), { status: 'RUNNING', lease_expires_at });
      return verdict(
        results()
          .updateTable('jobs')
          .set({ status: 'PENDING', ...columns })
          .where('job_id', '=', jobId),
      );
    };
    expect(await requeue(past)).toBe('accepted');
    expect(await requeue(soon, { lease_expires_at: past })).toBe('accepted');
    expect(await requeue(soon)).toBe(checkViolation);
    expect(await requeue(soon, { lease_expires_at: null })).toBe(checkViolation);
    expect(await requeue(null)).toBe(checkViolation);
  });

  test('a closed job still takes late metrics', async () => {
    const jobId = await insertTestJob(results(), { status: 'COMPLETED' });
    const late = results().updateTable('jobs').set({ metrics: sql`'{"peak": 1}'::jsonb` }).where('job_id', '=', jobId);
    expect(await verdict(late)).toBe('accepted');
  });

  test('updated_at follows a change of the job, not its lease and its counters', async () => {
    const jobId = await insertTestJob(results(), { updated_at: new Date(0) });
    const read = async () =>
      (
        await results().selectFrom('jobs').select('updated_at').where('job_id', '=', jobId).executeTakeFirstOrThrow()
      ).updated_at.getTime();
    await results()
      .updateTable('jobs')
      .set({ last_event_seq: 1, lease_expires_at: new Date() })
      .where('job_id', '=', jobId)
      .execute();
    expect(await read()).toBe(0);
    await results().updateTable('jobs').set({ priority: 5 }).where('job_id', '=', jobId).execute();
    expect(await read()).toBeGreaterThan(Date.now() - 60_000);
  });

  test('a cache entry has a job that exists, and goes with it', async () => {
    const jobId = await insertTestJob(results());
    const entry = (canonical_job_id: string) =>
      results()
        .insertInto('result_cache')
        .values({ cache_key: canonical_job_id, pipeline_version: 'dock@1', task_name: '*', canonical_job_id });
    expect(await verdict(entry(newId()))).toBe(foreignKeyViolation);
    expect(await verdict(entry(jobId))).toBe('accepted');
    await results().deleteFrom('jobs').where('job_id', '=', jobId).execute();
    expect(await results().selectFrom('result_cache').selectAll().where('cache_key', '=', jobId).execute()).toEqual([]);
  });

  test('a cache hit points to a job that really ran, not to another hit or to itself', async () => {
    const ran = await insertTestJob(results(), { status: 'COMPLETED' });
    const hit = await insertTestJob(results(), { status: 'COMPLETED', canonical_job_id: ran });
    expect(await verdict(insertTestJob(results(), { canonical_job_id: hit }))).toBe(checkViolation);
    expect(await verdict(insertTestJob(results(), { canonical_job_id: newId() }))).toBe(foreignKeyViolation);
    const self = newId();
    expect(await verdict(insertTestJob(results(), { job_id: self, canonical_job_id: self }))).toBe(checkViolation);
    await results().deleteFrom('jobs').where('job_id', '=', ran).execute();
    const left = await results()
      .selectFrom('jobs')
      .select('canonical_job_id')
      .where('job_id', '=', hit)
      .executeTakeFirst();
    expect(left).toEqual({ canonical_job_id: null });
  });

  test('a database is stamped for one organization, for ever', async () => {
    const orgId = newId();
    await expect(checkResultsStamp(results(), { orgId })).rejects.toThrow(ResultsDatabaseMismatchError);
    await stampResults(results(), { orgId });
    await stampResults(results(), { orgId });
    await checkResultsStamp(results(), { orgId });
    await expect(checkResultsStamp(results(), { orgId: newId() })).rejects.toThrow(ResultsDatabaseMismatchError);
    await expect(stampResults(results(), { orgId: newId() })).rejects.toMatchObject({ details: { found: orgId } });
    expect(await verdict(results().insertInto('results_database').values({ org_id: newId() }))).toBe(uniqueViolation);
    expect(await verdict(results().updateTable('results_database').set({ org_id: newId() }))).toBe(checkViolation);
    expect(await verdict(results().deleteFrom('results_database'))).toBe(checkViolation);
    expect(await verdict(sql`truncate ${sql.id(SCHEMA, 'results_database')}`.execute(results()))).toBe(checkViolation);
  });
});
