import { setTimeout } from 'node:timers/promises';
import { createPostgresDatabase, type TestDatabase } from '@mad/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LeaseLostError } from '../../src/errors.ts';
import { getJob, requestJobCancel } from '../../src/results/job.repository.ts';
import {
  cancelPendingJob,
  claimJobLease,
  closeJob,
  listRecoverableJobs,
  lockJobLease,
  releaseJobLease,
  renewJobLease,
} from '../../src/results/job-lease.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase, ResultsTransaction } from '../../src/results/results-database.ts';
import { connectPool } from './connect-pool.ts';
import { describeOnEachDatabase, insertTestJob, resultsTemplate, SCHEMA } from './each-database.ts';

const LEASE_MS = 60_000;
const inTx = <T>(db: ResultsDatabase, work: (tx: ResultsTransaction) => Promise<T>) => db.transaction().execute(work);
const claim = (db: ResultsDatabase, jobId: string, leaseMs = LEASE_MS) =>
  inTx(db, (tx) => claimJobLease(tx, { jobId, holder: 'w', leaseMs }));

describeOnEachDatabase((results) => {
  test('a pending job is claimed once, renewed, and closed by its holder', async () => {
    const jobId = await insertTestJob(results(), { timings: JSON.stringify({ queued: 'q' }) });
    const lease = await claim(results(), jobId);
    expect(lease).toMatchObject({
      fence: 1,
      resumed: false,
      job: { status: 'RUNNING', lease_owner: 'w', crash_count: 0, timings: { queued: 'q' } },
    });
    expect(await claim(results(), jobId)).toBeUndefined();
    expect(await renewJobLease(results(), { jobId, fence: 1, leaseMs: LEASE_MS })).toEqual({ cancelRequested: false });
    await requestJobCancel(results(), { jobId });
    expect(await renewJobLease(results(), { jobId, fence: 1, leaseMs: LEASE_MS })).toEqual({ cancelRequested: true });
    const closed = await inTx(results(), (tx) =>
      closeJob(tx, { jobId, fence: 1, status: 'FAILED', error: { said: '\0' }, metrics: { steps: 2 } }),
    );
    expect(closed).toMatchObject({
      status: 'FAILED',
      error: { said: '\ufffd' },
      metrics: { steps: 2 },
      lease_owner: null,
      lease_expires_at: null,
    });
    expect(Object.keys(closed.timings).sort()).toEqual(['ended', 'queued', 'started']);
    expect(closed.timings.ended).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await claim(results(), jobId)).toBeUndefined();
  });

  test('an expired lease is taken over: the fence rises, a crash is counted, and the old holder can do nothing more', async () => {
    const jobId = await insertTestJob(results());
    await claim(results(), jobId, 1);
    await setTimeout(5);
    const second = await claim(results(), jobId);
    expect(second).toMatchObject({ fence: 2, resumed: true, job: { crash_count: 1 } });
    expect(second?.job.timings.started).toBe((await getJob(results(), { jobId })).timings.started);
    const stale = { jobId, fence: 1 };
    expect(await renewJobLease(results(), { ...stale, leaseMs: LEASE_MS })).toBeUndefined();
    for (const write of [
      (tx: ResultsTransaction) => lockJobLease(tx, stale),
      (tx: ResultsTransaction) => closeJob(tx, { ...stale, status: 'COMPLETED' }),
      (tx: ResultsTransaction) => releaseJobLease(tx, stale),
    ]) {
      await expect(inTx<unknown>(results(), write)).rejects.toThrow(LeaseLostError);
    }
    await inTx(results(), (tx) => lockJobLease(tx, { jobId, fence: 2 }));
  });

  test('a lease that expired but was not claimed is held again by its renewal', async () => {
    const jobId = await insertTestJob(results());
    await claim(results(), jobId, 1);
    await setTimeout(5);
    expect(await renewJobLease(results(), { jobId, fence: 1, leaseMs: LEASE_MS })).toEqual({ cancelRequested: false });
    expect(await claim(results(), jobId)).toBeUndefined();
  });

  test('a lease that is given back leaves a pending job and no crash', async () => {
    const jobId = await insertTestJob(results());
    await claim(results(), jobId);
    await inTx(results(), (tx) => releaseJobLease(tx, { jobId, fence: 1 }));
    expect(await getJob(results(), { jobId })).toMatchObject({ status: 'PENDING', lease_owner: null, fence: 1 });
    expect(await claim(results(), jobId)).toMatchObject({ fence: 2, resumed: true, job: { crash_count: 0 } });
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

  test('recovery lists what can be claimed, by priority and then by age, and nothing that waits for its time or is held', async () => {
    await results().deleteFrom('jobs').execute();
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const later = new Date(Date.now() + 60_000);
    const young = await insertTestJob(results(), { created_at: at(2) });
    const old = await insertTestJob(results(), { created_at: at(1) });
    const urgent = await insertTestJob(results(), { created_at: at(3), priority: 9, run_after: at(0) });
    const crashed = await insertTestJob(results(), { created_at: at(0), status: 'RUNNING', lease_expires_at: at(0) });
    const waiting = await insertTestJob(results(), { run_after: later });
    await insertTestJob(results(), { status: 'RUNNING', lease_expires_at: later });
    await insertTestJob(results(), { status: 'COMPLETED' });
    const listed = await listRecoverableJobs(results(), { limit: 10 });
    expect(listed.map((job) => job.job_id)).toEqual([urgent, crashed, old, young]);
    expect(await listRecoverableJobs(results(), { limit: 1 })).toEqual([
      { job_id: urgent, status: 'PENDING', priority: 9 },
    ]);
    expect(await claim(results(), waiting)).toBeUndefined();
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
    for (let round = 1; round <= 5; round++) {
      const claims = await Promise.all(Array.from({ length: 20 }, () => claim(results(), jobId)));
      expect(claims.flatMap((lease) => (lease ? [lease.fence] : []))).toEqual([round]);
      const expired = results()
        .updateTable('jobs')
        .set({ lease_expires_at: new Date(0) });
      await expired.where('job_id', '=', jobId).execute();
    }
  });

  test('nobody takes a job over while its holder commits, even when the lease runs out meanwhile; others may still refer to the job', async () => {
    const jobId = await insertTestJob(results());
    const lease = await claim(results(), jobId, 50);
    let rival: Promise<unknown> = Promise.resolve();
    await inTx(results(), async (tx) => {
      await lockJobLease(tx, { jobId, fence: lease?.fence ?? 0 });
      await setTimeout(80);
      await insertTestJob(results(), { status: 'COMPLETED', canonical_job_id: jobId });
      rival = claim(results(), jobId);
      expect(await Promise.race([rival, setTimeout(100, 'still waiting')])).toBe('still waiting');
      await closeJob(tx, { jobId, fence: 1, status: 'COMPLETED' });
    });
    expect(await rival).toBeUndefined();
  });
});
