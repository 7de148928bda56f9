import { createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import * as cacheEntries from '../../src/results/cache-entry.repository.ts';
import * as cacheFlights from '../../src/results/cache-flight.repository.ts';
import * as dockingResults from '../../src/results/docking-result.repository.ts';
import * as jobs from '../../src/results/job.repository.ts';
import * as events from '../../src/results/job-event.repository.ts';
import * as leases from '../../src/results/job-lease.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase, ResultsTransaction } from '../../src/results/results-database.ts';
import * as stamp from '../../src/results/results-stamp.ts';
import { migrateResults } from '../../src/results/results-track.ts';
import type { ResultsTables } from '../../src/results/tables/results-tables.ts';
import * as executions from '../../src/results/task-execution.repository.ts';
import * as logs from '../../src/results/task-log.repository.ts';
import * as results from '../../src/results/task-result.repository.ts';
import { connectPool } from './connect-pool.ts';

const REPOSITORIES = {
  ...jobs,
  ...leases,
  ...events,
  ...executions,
  ...results,
  ...dockingResults,
  ...logs,
  ...cacheEntries,
  ...cacheFlights,
  ...stamp,
};
const TABLES = [
  'jobs',
  'job_inputs',
  'job_outputs',
  'docking_results',
  'task_executions',
  'task_logs',
  'task_results',
  'result_cache',
  'job_events',
  'cache_flights',
  'results_database',
] as const satisfies readonly (keyof ResultsTables)[];

// The same ids in both schemas: a statement that strays would meet the other's rows.
const [ORG, JOB, HIT, PENDING] = [newId(), newId(), newId(), newId()];

test('every repository function works with an empty search_path, in two schemas of one database, and none strays into the other', async () => {
  await using database = await createPostgresDatabase();
  await using pathless = connectWithoutPath(database.url);
  for (const schema of ['org_a', 'org_b']) await migrateResults(pathless.db, { schema });
  const [a, b] = [
    openResultsDatabase(pathless.db, { schema: 'org_a' }),
    openResultsDatabase(pathless.db, { schema: 'org_b' }),
  ];
  expect(await counts(b)).toEqual(TABLES.map(() => 0));

  const called = new Set<string>();
  await useEverything(a, recorded(called));
  expect([...called].sort()).toEqual(Object.keys(REPOSITORIES).sort());
  const ofA = await counts(a);
  expect(ofA.every((count) => count > 0)).toBe(true);
  expect(await counts(b)).toEqual(TABLES.map(() => 0));

  const before = await content(a);
  await useEverything(b, recorded(new Set()));
  expect(await counts(b)).toEqual(ofA);
  expect(await content(a)).toEqual(before);
});

test('a database opened without its schema finds nothing, so the proof above proves something', async () => {
  await using database = await createPostgresDatabase();
  await using pathless = connectWithoutPath(database.url);
  await migrateResults(pathless.db, { schema: 'org_a' });
  await expect(jobs.findJob(pathless.db as Kysely<unknown> as ResultsDatabase, { jobId: JOB })).rejects.toMatchObject({
    code: '42P01',
  });
});

async function useEverything(db: ResultsDatabase, repo: typeof REPOSITORIES): Promise<void> {
  const inTx = <T>(work: (tx: ResultsTransaction) => Promise<T>) => db.transaction().execute(work);
  const leaseMs = 60_000;
  await repo.stampResults(db, { orgId: ORG });
  await repo.checkResultsStamp(db, { orgId: ORG });

  await inTx(async (tx) => {
    const input = { key: 'ligand', uri: 'mad://l' };
    await repo.insertJob(tx, {
      job: { job_id: JOB, pipeline_version: 'dock@1.0.0', idempotency_key: 'k' },
      inputs: [input],
    });
    await repo.insertJob(tx, { job: { job_id: PENDING, pipeline_version: 'dock@1.0.0' }, inputs: [] });
    expect(await repo.claimJobLease(tx, { jobId: JOB, holder: 'w', leaseMs })).toMatchObject({ fence: 1 });
    await repo.releaseJobLease(tx, { jobId: JOB, fence: 1 });
    expect(await repo.listRecoverableJobs(tx, { limit: 10 })).toHaveLength(2);
    expect(await repo.claimJobLease(tx, { jobId: JOB, holder: 'w', leaseMs })).toMatchObject({ fence: 2 });
  });
  expect(await repo.renewJobLease(db, { jobId: JOB, fence: 2, leaseMs })).toEqual({ cancelRequested: false });
  expect(await repo.listClosedJobIds(db, { jobIds: [JOB, PENDING] })).toEqual([]);
  expect(await repo.requestJobCancel(db, { jobId: PENDING })).toBe('PENDING');
  expect(await inTx((tx) => repo.cancelPendingJob(tx, { jobId: PENDING }))).toMatchObject({ status: 'CANCELED' });

  await inTx(async (tx) => {
    await repo.lockJobLease(tx, { jobId: JOB, fence: 2 });
    const { exec_id: execId } = await repo.insertTaskExecution(tx, {
      job_id: JOB,
      task_name: 'dock',
      status: 'RUNNING',
    });
    await repo.setTaskExecutionExternalId(tx, { execId, externalId: 'x' });
    expect(await repo.heartbeatTaskExecution(tx, { execId })).toBe(true);
    expect(await repo.finishTaskExecution(tx, { execId, status: 'FAILED' })).toMatchObject({ external_id: 'x' });
    await repo.insertTaskExecution(tx, { job_id: JOB, task_name: 'dock', retries: 1 });
    expect(await repo.finishOpenTaskExecutions(tx, { jobId: JOB, status: 'COMPLETED' })).toHaveLength(1);
    await repo.insertTaskResult(tx, { job_id: JOB, task_name: 'dock' });
    await repo.insertDockingResults(tx, { jobId: JOB, poses: [{ pose_rank: 1, affinity: -7 }] });
    await repo.insertJobOutputs(tx, { jobId: JOB, outputs: [{ key: 'poses', uri: 'mad://p' }] });
    await repo.appendJobEvents(tx, { jobId: JOB, events: [{ event: 'COMPLETED' }] });
    await repo.appendTaskLogs(tx, { jobId: JOB, lines: [{ message: 'x' }], cap: 10 });
    for (const cache_key of ['kept', 'deleted']) {
      const entry = {
        cache_key,
        pipeline_version: 'dock@1.0.0',
        task_name: '*',
        canonical_job_id: JOB,
        confidence_score: 0.5,
      };
      expect(await repo.upsertCacheEntry(tx, entry)).toBe(true);
      expect(await repo.upsertCacheEntry(tx, { ...entry, confidence_score: 0.6 })).toBe(true);
    }
    await repo.closeJob(tx, { jobId: JOB, fence: 2, status: 'COMPLETED' });
    await repo.insertJob(tx, {
      job: { job_id: HIT, pipeline_version: 'dock@1.0.0', status: 'COMPLETED', canonical_job_id: JOB },
      inputs: [],
    });
  });

  const ids = [
    await repo.findJob(db, { jobId: JOB }),
    await repo.getJob(db, { jobId: JOB }),
    await repo.findJobByIdempotencyKey(db, { idempotencyKey: 'k' }),
  ];
  expect(ids.map((job) => job?.job_id)).toEqual([JOB, JOB, JOB]);
  expect(await repo.findCanonicalJobId(db, { jobId: HIT })).toBe(JOB);
  const { nextCursor } = await repo.listJobs(db, { limit: 1 });
  expect((await repo.listJobs(db, { cursor: nextCursor })).items).toHaveLength(2);
  const lists = [
    repo.listJobInputs,
    repo.listJobOutputs,
    repo.listTaskResults,
    repo.listDockingResults,
    repo.listJobEvents,
  ];
  for (const list of lists) expect(await list(db, { jobId: JOB })).toHaveLength(1);
  expect(await repo.listTaskExecutions(db, { jobId: JOB })).toHaveLength(2);
  expect((await repo.listTaskLogs(db, { jobId: JOB })).items).toHaveLength(1);
  expect(await repo.findTaskResult(db, { jobId: JOB, taskName: 'dock' })).toBeDefined();
  expect(await repo.listDockingResults(db, { jobId: HIT })).toHaveLength(1);
  expect(await repo.listJobsByIdempotencyKey(db, { idempotencyKeys: ['k', 'other'] })).toHaveLength(1);
  expect(await repo.listInputsOfJobs(db, { jobIds: [JOB, PENDING] })).toHaveLength(1);
  await repo.copyTaskResults(db, { fromJobId: JOB, toJobId: PENDING, taskNames: ['dock'] });
  expect(await repo.findTaskResult(db, { jobId: PENDING, taskName: 'dock' })).toBeDefined();

  await repo.touchCacheEntries(db, { cacheKeys: ['kept'] });
  expect(await repo.findCacheEntry(db, { cacheKey: 'kept' })).toMatchObject({ hit_count: 1, confidence_score: 0.6 });
  expect(await repo.findCacheEntries(db, { cacheKeys: ['kept', 'deleted'] })).toHaveLength(2);
  expect(await repo.updateCacheEntry(db, { cacheKey: 'kept', pinned: true })).toBeDefined();
  expect(await repo.invalidateCacheEntry(db, { cacheKey: 'kept', reason: 'x' })).toBe(true);
  expect(await repo.deleteCacheEntry(db, { cacheKey: 'deleted' })).toBe(true);
  expect((await repo.listCacheEntries(db, {})).items).toHaveLength(1);

  const flight = await repo.claimCacheFlight(db, { cacheKey: 'k', owner: 'w', jobId: JOB, leaseMs });
  expect(await repo.findCacheFlight(db, { cacheKey: 'k' })).toMatchObject({ fence: flight?.fence });
  expect(await repo.releaseCacheFlight(db, { cacheKey: 'k', fence: flight?.fence ?? 0 })).toBe(true);
  const expired = await repo.claimCacheFlight(db, { cacheKey: 'k', owner: 'w', leaseMs: 0 });
  const last = await repo.claimCacheFlight(db, { cacheKey: 'k', owner: 'w', leaseMs });
  expect(await repo.renewCacheFlight(db, { cacheKey: 'k', fence: expired?.fence ?? 0, leaseMs })).toBe(false);
  expect(await repo.renewCacheFlight(db, { cacheKey: 'k', fence: last?.fence ?? 0, leaseMs })).toBe(true);
}

function recorded(called: Set<string>): typeof REPOSITORIES {
  return new Proxy(REPOSITORIES, {
    get(repositories, name, receiver) {
      called.add(String(name));
      return Reflect.get(repositories, name, receiver);
    },
  });
}

async function counts(db: ResultsDatabase): Promise<readonly number[]> {
  return (await content(db)).map((rows) => rows.length);
}

async function content(db: ResultsDatabase): Promise<readonly (readonly unknown[])[]> {
  return Promise.all(TABLES.map((table) => db.selectFrom(table).selectAll().execute()));
}

const connectWithoutPath = (connectionString: string) =>
  connectPool({ connectionString, options: '-c search_path=', max: 5 });
