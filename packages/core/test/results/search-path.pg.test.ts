import { createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { LeaseLostError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import * as cacheEntries from '../../src/results/cache-entry.repository.ts';
import * as cacheFlights from '../../src/results/cache-flight.repository.ts';
import * as transitions from '../../src/results/commit-transitions.ts';
import * as dockingResults from '../../src/results/docking-result.repository.ts';
import * as dueJobs from '../../src/results/due-job.repository.ts';
import * as overdue from '../../src/results/fail-overdue-jobs.ts';
import { type AcceptedJob, insertJobs } from '../../src/results/insert-jobs.ts';
import * as jobs from '../../src/results/job.repository.ts';
import * as audits from '../../src/results/job-audit.repository.ts';
import * as events from '../../src/results/job-event.repository.ts';
import * as leases from '../../src/results/job-lease.repository.ts';
import * as jobsToRun from '../../src/results/job-to-run.ts';
import * as mirrored from '../../src/results/mirrored-job.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import * as specs from '../../src/results/pipeline-spec.repository.ts';
import * as renewals from '../../src/results/renew-leases.ts';
import type { ResultsDatabase, ResultsTransaction } from '../../src/results/results-database.ts';
import * as stamp from '../../src/results/results-stamp.ts';
import { migrateResults } from '../../src/results/results-track.ts';
import type { ResultsTables } from '../../src/results/tables/results-tables.ts';
import * as executions from '../../src/results/task-execution.repository.ts';
import * as logs from '../../src/results/task-log.repository.ts';
import * as results from '../../src/results/task-result.repository.ts';
import { connectPool } from './connect-pool.ts';
import { insertTestJob } from './each-database.ts';
import { answered, claim, closed, type Moved, started, toTransition } from './transitions.ts';

const REPOSITORIES = {
  ...specs,
  insertJobs,
  ...jobs,
  ...dueJobs,
  ...jobsToRun,
  ...leases,
  ...renewals,
  ...transitions,
  ...overdue,
  ...events,
  ...executions,
  ...results,
  ...dockingResults,
  ...logs,
  ...audits,
  ...mirrored,
  ...cacheEntries,
  ...cacheFlights,
  ...stamp,
};
const TABLES = [
  'pipeline_specs',
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
const [ORG, JOB, HIT, PENDING, LATE] = [newId(), newId(), newId(), newId(), newId()];

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

test('the journal works in its own schema, whatever the caller’s path and temporary tables put before it', async () => {
  await using database = await createPostgresDatabase();
  for (const schema of ['org_a', 'org_b']) await migrateResults(database.db, { schema });
  const { rows } = await sql<{ path: string }>`select array_to_string(proconfig, ' ') as path from pg_proc
    where proname = 'mad_commit_transitions' order by pronamespace::regnamespace::text`.execute(database.db);
  expect(rows.map(({ path }) => /search_path=(.*)$/.exec(path)?.[1])).toEqual(['org_a, pg_temp', 'org_b, pg_temp']);
  await database.db.connection().execute(async (connection) => {
    const [a, b] = [
      openResultsDatabase(connection, { schema: 'org_a' }),
      openResultsDatabase(connection, { schema: 'org_b' }),
    ];
    for (const db of [a, b]) await insertTestJob(db, { job_id: JOB });
    await sql`set search_path to org_b`.execute(connection);
    await sql`create temp table jobs (like org_a.jobs including defaults)`.execute(connection);
    await sql`insert into pg_temp.jobs (job_id, pipeline_version) values (${JOB}, 'dock@1.0.0')`.execute(connection);
    expect(await claim(a, JOB)).toBe(true);
    expect(await jobs.getJob(a, { jobId: JOB })).toMatchObject({ fence: 1 });
    expect(await jobs.getJob(b, { jobId: JOB })).toMatchObject({ fence: 0 });
  });
});

async function useEverything(db: ResultsDatabase, repo: typeof REPOSITORIES): Promise<void> {
  const inTx = <T>(work: (tx: ResultsTransaction) => Promise<T>) => db.transaction().execute(work);
  const leaseMs = 60_000;
  await repo.stampResults(db, { orgId: ORG });
  await repo.checkResultsStamp(db, { orgId: ORG });

  const digest = await repo.insertPipelineSpec(db, { spec: { version: 1 } });
  expect(digest).toBe(repo.digestSpec({ version: 1 }));
  expect(await repo.getPipelineSpec(db, { digest })).toEqual({ version: 1 });

  const columns = { pipeline_version: 'dock@1.0.0', pipeline_id: newId(), pipeline_version_id: newId() };
  const accepted = (job: Partial<AcceptedJob['job']> & { job_id: string }): AcceptedJob => ({
    job: { ...columns, ...job },
    inputs: [{ key: 'ligand', uri: 'mad://l' }],
    events: [{ event: 'QUEUED' }],
  });
  const late = { job_id: LATE, deadline: new Date(0) };
  const jobs = [accepted({ job_id: JOB, idempotency_key: 'k' }), accepted({ job_id: PENDING }), accepted(late)];
  expect(await repo.insertJobs(db, { jobs })).toHaveLength(3);
  expect(await repo.failOverdueJobs(db)).toEqual([LATE]);
  expect(await repo.countDueJobs(db)).toBe(2);
  expect((await repo.listDueJobs(db, {})).items).toHaveLength(2);
  expect(await repo.listJobsToRun(db, { jobIds: [JOB, PENDING, LATE] })).toHaveLength(2);

  const commit = (...moved: readonly Moved[]) =>
    repo.commitTransitions(db, {
      ...{ holder: 'w', leaseMs },
      jobs: moved.map((one) => repo.mergeRows([repo.toTransitionRows(toTransition(one))])),
    });
  expect(await commit({ jobId: JOB, fence: 0, claim: true })).toHaveLength(1);
  await inTx((tx) => repo.releaseJobLease(tx, { jobId: JOB, fence: 1 }));
  expect(await commit({ jobId: JOB, fence: 1, claim: true })).toHaveLength(1);
  expect(await repo.renewJobLeases(db, { jobs: [{ jobId: JOB, fence: 2 }], leaseMs })).toMatchObject([{ held: true }]);
  expect((await repo.listExpiredJobs(db, {})).items).toEqual([]);
  expect(await repo.findNextDueMs(db)).toBeGreaterThan(0);
  expect(await repo.requestJobCancel(db, { jobId: PENDING })).toBe('PENDING');
  expect(await repo.listCancelRequests(db, { jobIds: [JOB, PENDING] })).toEqual([PENDING]);
  expect(await inTx((tx) => repo.cancelPendingJob(tx, { jobId: PENDING }))).toMatchObject({ status: 'CANCELED' });

  const [first, second] = [started('dock'), started('dock', { attempt: 1 })];
  await commit({ jobId: JOB, fence: 2, starts: [first] });
  const work = { execId: first.execId, jobId: JOB, serviceId: newId(), externalId: 'x' };
  await repo.recordAcceptedExecution(db, { ...work, fence: 2 });
  await expect(repo.recordAcceptedExecution(db, { ...work, fence: 1 })).rejects.toThrow(LeaseLostError);
  const end = { execId: first.execId, status: 'FAILED', serviceId: null, error: null } as const;
  await commit({ jobId: JOB, fence: 2, starts: [second], ends: [end], results: [answered('dock')] });
  await repo.finishOpenTaskExecutions(db, { jobId: JOB, status: 'COMPLETED' });
  const close = closed({ outputs: [{ key: 'poses', uri: 'mad://p' }], poses: [{ pose_rank: 1, affinity: -7 }] });
  expect(await commit({ jobId: JOB, fence: 2, close, events: [{ event: 'COMPLETED' }] })).toHaveLength(1);
  await repo.insertJobs(db, { jobs: [accepted({ job_id: HIT, status: 'COMPLETED', canonical_job_id: JOB })] });

  await inTx(async (tx) => {
    await repo.appendJobEvents(tx, { jobId: JOB, events: [{ event: 'TASK_PROGRESS' }] });
    await repo.raiseEventNumber(tx, { jobId: JOB });
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
  });

  const ids = [
    await repo.findJob(db, { jobId: JOB }),
    await repo.getJob(db, { jobId: JOB }),
    await repo.findJobByIdempotencyKey(db, { idempotencyKey: 'k' }),
  ];
  expect(ids.map((job) => job?.job_id)).toEqual([JOB, JOB, JOB]);
  const { nextCursor } = await repo.listJobs(db, { limit: 1 });
  expect((await repo.listJobs(db, { cursor: nextCursor })).items).toHaveLength(3);
  const lists = [repo.listJobInputs, repo.listJobOutputs, repo.listTaskResults, repo.listDockingResults];
  for (const list of lists) expect(await list(db, { jobId: JOB })).toHaveLength(1);
  expect(await repo.listJobEvents(db, { jobId: JOB })).toHaveLength(3);
  const [news] = await repo.listJobEventsAfter(db, [{ jobId: JOB, afterSeq: 1 }], 10);
  expect(news?.events).toHaveLength(2);
  expect(await repo.listTaskExecutions(db, { jobId: JOB })).toHaveLength(2);
  expect((await repo.listTaskLogs(db, { jobId: JOB })).items).toHaveLength(1);
  expect(await repo.findTaskResult(db, { jobId: JOB, taskName: 'dock' })).toBeDefined();
  expect(await repo.listDockingResults(db, { jobId: HIT })).toHaveLength(1);
  expect(await repo.listJobsByIdempotencyKey(db, { idempotencyKeys: ['k', 'other'] })).toHaveLength(1);
  expect(await repo.listInputsOfJobs(db, { jobIds: [JOB, PENDING] })).toHaveLength(2);
  expect((await repo.listChangedJobs(db, { status: 'COMPLETED', sinceMs: 60_000 })).items).toHaveLength(2);
  expect(await repo.listMirroredJobs(db, { jobIds: [JOB, HIT] })).toHaveLength(2);
  const audit = { afterJobId: '00000000-0000-0000-0000-000000000000', limit: 10, graceMs: 0 };
  expect(await repo.listJobAudits(db, audit)).toHaveLength(4);
  expect(await repo.listJobFiles(db, { jobIds: [JOB] })).toHaveLength(2);
  expect(await repo.hasJobs(db)).toBe(true);
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
