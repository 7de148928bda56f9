import { setTimeout } from 'node:timers/promises';
import { createPostgresDatabase, type TestDatabase } from '@mad/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LeaseLostError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { getJob, requestJobCancel } from '../../src/results/job.repository.ts';
import { cancelPendingJob, type HeldJob, releaseJobLease } from '../../src/results/job-lease.repository.ts';
import { listJobsToRun } from '../../src/results/job-to-run.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import { listCancelRequests, renewJobLeases } from '../../src/results/renew-leases.ts';
import type { ResultsDatabase, ResultsTransaction } from '../../src/results/results-database.ts';
import { connectPool } from './connect-pool.ts';
import { describeOnEachDatabase, insertTestJob, resultsTemplate, SCHEMA } from './each-database.ts';
import { claim, closed, commit, LEASE_MS } from './transitions.ts';

const inTx = <T>(db: ResultsDatabase, work: (tx: ResultsTransaction) => Promise<T>) => db.transaction().execute(work);
const release = (db: ResultsDatabase, held: HeldJob) => inTx(db, (tx) => releaseJobLease(tx, held));
const renew = async (db: ResultsDatabase, held: HeldJob) =>
  (await renewJobLeases(db, { jobs: [held], leaseMs: LEASE_MS }))[0];

describeOnEachDatabase((results) => {
  const stateOf = async (jobId: string) => {
    const { status, fence, crash_count, lease_owner } = await getJob(results(), { jobId });
    return { status, fence, crash_count, lease_owner };
  };
  /** A job whose holder let its lease run out. */
  const insertExpired = async () => {
    const jobId = await insertTestJob(results());
    await claim(results(), jobId, { leaseMs: 1 });
    await setTimeout(5);
    return jobId;
  };

  test('a pending job is claimed once, renewed, and closed by its holder', async () => {
    const jobId = await insertTestJob(results(), { timings: JSON.stringify({ queued: 'q' }) });
    expect(await claim(results(), jobId)).toBe(true);
    expect(await stateOf(jobId)).toEqual({ status: 'RUNNING', fence: 1, crash_count: 0, lease_owner: 'w' });
    for (const fence of [0, 1, 2]) expect(await claim(results(), jobId, { fence })).toBe(false);
    expect(await renew(results(), { jobId, fence: 1 })).toMatchObject({ held: true, renewed: true });
    const close = closed({ status: 'FAILED', error: { said: '\0' }, metrics: { steps: 2 } });
    expect(await commit(results(), { jobId, fence: 1, close })).toMatchObject([{ job_id: jobId }]);
    const job = await getJob(results(), { jobId });
    expect(job).toMatchObject({
      status: 'FAILED',
      error: { said: '\ufffd' },
      metrics: { steps: 2 },
      lease_owner: null,
      lease_expires_at: null,
    });
    expect(Object.keys(job.timings).sort()).toEqual(['ended', 'queued', 'started']);
    expect(job.timings.ended).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await claim(results(), jobId, { fence: 1 })).toBe(false);
    expect(await commit(results(), { jobId, fence: 1 })).toEqual([]);
  });

  test('an expired lease is taken over: the fence rises, a crash is counted, and the old holder can do nothing more', async () => {
    const jobId = await insertExpired();
    const { timings } = await getJob(results(), { jobId });
    expect(await claim(results(), jobId, { fence: 1 })).toBe(true);
    expect(await stateOf(jobId)).toEqual({ status: 'RUNNING', fence: 2, crash_count: 1, lease_owner: 'w' });
    const stale = { jobId, fence: 1 };
    expect(await renew(results(), stale)).toMatchObject({ held: false, renewed: false });
    await expect(release(results(), stale)).rejects.toThrow(LeaseLostError);
    for (const late of [stale, { ...stale, close: closed() }, { ...stale, claim: true }])
      expect(await commit(results(), late)).toEqual([]);
    expect(await stateOf(jobId)).toMatchObject({ status: 'RUNNING', fence: 2 });
    expect((await getJob(results(), { jobId })).timings).toEqual(timings);
    expect(await commit(results(), { jobId, fence: 2 })).toHaveLength(1);
  });

  test('a lease that expired but was not claimed is committed under, and held again by its renewal', async () => {
    const jobId = await insertExpired();
    expect(await commit(results(), { jobId, fence: 1 })).toHaveLength(1);
    expect(await renew(results(), { jobId, fence: 1 })).toMatchObject({ held: true, renewed: true });
    expect(await claim(results(), jobId, { fence: 1 })).toBe(false);
  });

  test('a lease that is given back leaves a pending job and no crash', async () => {
    const jobId = await insertTestJob(results());
    await claim(results(), jobId);
    await release(results(), { jobId, fence: 1 });
    expect(await stateOf(jobId)).toEqual({ status: 'PENDING', fence: 1, crash_count: 0, lease_owner: null });
    expect(await commit(results(), { jobId, fence: 1 })).toEqual([]);
    expect(await claim(results(), jobId, { fence: 1 })).toBe(true);
    expect(await stateOf(jobId)).toMatchObject({ fence: 2, crash_count: 0 });
  });

  test('the holder learns from commits and renewals that somebody wants the job to end', async () => {
    const [jobId, other] = [await insertTestJob(results()), await insertTestJob(results())];
    for (const id of [jobId, other]) await claim(results(), id);
    expect(await commit(results(), { jobId, fence: 1 })).toMatchObject([{ cancel_requested: false }]);
    expect(await renew(results(), { jobId, fence: 1 })).toMatchObject({ cancel_requested: false });
    await requestJobCancel(results(), { jobId });
    expect(await commit(results(), { jobId, fence: 1 })).toMatchObject([{ cancel_requested: true }]);
    expect(await renew(results(), { jobId, fence: 1 })).toMatchObject({ cancel_requested: true });
    expect(await listCancelRequests(results(), { jobIds: [jobId, other, newId()] })).toEqual([jobId]);
    await release(results(), { jobId, fence: 1 });
    const again = { jobId, fence: 1, claim: true };
    expect(await commit(results(), again)).toMatchObject([{ cancel_requested: true }]);
  });

  test('one renewal answers for every job by itself', async () => {
    const [held, lost, over] = [await insertTestJob(results()), await insertExpired(), await insertTestJob(results())];
    for (const jobId of [held, over]) await claim(results(), jobId);
    await claim(results(), lost, { fence: 1 });
    await commit(results(), { jobId: over, fence: 1, close: closed() });
    const gone = newId();
    const jobs = [lost, held, over, gone].map((jobId) => ({ jobId, fence: 1 }));
    const renewed = await renewJobLeases(results(), { jobs, leaseMs: LEASE_MS });
    expect(new Map(renewed.map((lease) => [lease.job_id, [lease.held, lease.renewed]]))).toEqual(
      new Map([
        [held, [true, true]],
        [lost, [false, false]],
        [over, [false, false]],
        [gone, [false, false]],
      ]),
    );
    expect(await renewJobLeases(results(), { jobs: [], leaseMs: LEASE_MS })).toEqual([]);
  });

  test('only a pending job is cancelled without its executor', async () => {
    const [pending, running] = [await insertTestJob(results()), await insertTestJob(results(), { status: 'RUNNING' })];
    const cancel = (jobId: string) => inTx(results(), (tx) => cancelPendingJob(tx, { jobId }));
    const canceled = await cancel(pending);
    expect(canceled).toMatchObject({ status: 'CANCELED', timings: { ended: expect.any(String) } });
    expect(canceled?.cancel_requested_at).toBeInstanceOf(Date);
    expect(await cancel(pending)).toBeUndefined();
    expect(await cancel(running)).toBeUndefined();
  });

  test('of many jobs those are listed that can be claimed, and nothing that waits for its time, is held or over', async () => {
    const [past, later] = [new Date(0), new Date(Date.now() + 60_000)];
    const [pending, due, crashed, ...others] = [
      await insertTestJob(results(), { deadline: later }),
      await insertTestJob(results(), { run_after: past, deadline: past }),
      await insertTestJob(results(), { status: 'RUNNING', lease_expires_at: past, fence: 3, crash_count: 1 }),
      await insertTestJob(results(), { run_after: later }),
      await insertTestJob(results(), { status: 'RUNNING', lease_expires_at: later }),
      await insertTestJob(results(), { status: 'COMPLETED' }),
      newId(),
    ] as const;
    await results()
      .insertInto('job_inputs')
      .values({ job_id: pending, key: 'ligand', uri: 'mad://l', size_bytes: 7 })
      .execute();
    const listed = await listJobsToRun(results(), { jobIds: [crashed, ...others, due, pending] });
    const byId = new Map(listed.map((job) => [job.job_id, job]));
    expect(new Set(byId.keys())).toEqual(new Set([pending, due, crashed]));
    expect(byId.get(pending)).toMatchObject({
      status: 'PENDING',
      fence: 0,
      started_ms_ago: 0,
      inputs: [{ key: 'ligand', uri: 'mad://l', content_type: null, size_bytes: 7 }],
    });
    expect(byId.get(pending)?.deadline_in_ms).toBeGreaterThan(0);
    expect(byId.get(due)?.deadline_in_ms).toBeLessThan(0);
    expect(byId.get(crashed)).toMatchObject({
      status: 'RUNNING',
      fence: 3,
      crash_count: 1,
      deadline_in_ms: null,
      inputs: [],
    });
    for (const jobId of others) expect(await claim(results(), jobId)).toBe(false);
  });
});

describe('on PostgreSQL, with twenty connections', () => {
  let database: TestDatabase<unknown>;
  let pool: ReturnType<typeof connectPool>;
  beforeAll(async () => {
    database = await createPostgresDatabase(resultsTemplate);
    pool = connectPool({ connectionString: database.url, max: 20 });
  });
  afterAll(async () => {
    await pool[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const results = () => openResultsDatabase(pool.db, { schema: SCHEMA });

  test('of twenty concurrent claimers exactly one holds the job, round after round, and the fence rises by one each', async () => {
    const jobId = await insertTestJob(results());
    for (let round = 0; round < 5; round++) {
      const claims = await Promise.all(Array.from({ length: 20 }, () => claim(results(), jobId, { fence: round })));
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await getJob(results(), { jobId })).toMatchObject({ fence: round + 1, crash_count: round });
      const expired = results()
        .updateTable('jobs')
        .set({ lease_expires_at: new Date(0) });
      await expired.where('job_id', '=', jobId).execute();
    }
  });

  test('nobody takes a job over while its holder commits, even when the lease runs out meanwhile; others may still refer to the job', async () => {
    const jobId = await insertTestJob(results());
    await claim(results(), jobId, { leaseMs: 50 });
    let rival: Promise<unknown> = Promise.resolve();
    await inTx(results(), async (tx) => {
      await commit(tx, { jobId, fence: 1 });
      await setTimeout(80);
      await insertTestJob(results(), { status: 'COMPLETED', canonical_job_id: jobId });
      rival = claim(results(), jobId, { fence: 1 });
      expect(await Promise.race([rival, setTimeout(100, 'still waiting')])).toBe('still waiting');
      await commit(tx, { jobId, fence: 1, close: closed() });
    });
    expect(await rival).toBe(false);
    expect(await getJob(results(), { jobId })).toMatchObject({ status: 'COMPLETED', fence: 1 });
  });

  test('a renewal does not wait for a job that is being committed: it passes over it and says so', async () => {
    const [busy, idle] = [await insertTestJob(results()), await insertTestJob(results())];
    for (const jobId of [busy, idle]) await claim(results(), jobId);
    const jobs = [busy, idle].map((jobId) => ({ jobId, fence: 1 }));
    const renewed = await inTx(results(), async (tx) => {
      await commit(tx, { jobId: busy, fence: 1 });
      return renewJobLeases(results(), { jobs, leaseMs: LEASE_MS });
    });
    expect(new Map(renewed.map((lease) => [lease.job_id, [lease.held, lease.renewed]]))).toEqual(
      new Map([
        [busy, [true, false]],
        [idle, [true, true]],
      ]),
    );
    expect(await renew(results(), { jobId: busy, fence: 1 })).toMatchObject({ held: true, renewed: true });
  });
});
