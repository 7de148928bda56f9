import { createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { LeaseLostError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import * as cacheEntries from '../../src/results/cache-entry.repository.ts';
import * as cacheEvents from '../../src/results/cache-event.repository.ts';
import * as cacheFlights from '../../src/results/cache-flight.repository.ts';
import * as cacheHistory from '../../src/results/cache-history.repository.ts';
import * as cacheStatistics from '../../src/results/cache-statistics.ts';
import * as transitions from '../../src/results/commit-transitions.ts';
import * as dockingResults from '../../src/results/docking-result.repository.ts';
import * as dueJobs from '../../src/results/due-job.repository.ts';
import * as evictions from '../../src/results/evict-entries.ts';
import * as overdue from '../../src/results/fail-overdue-jobs.ts';
import * as followers from '../../src/results/followers.ts';
import { type AcceptedJob, insertJobs } from '../../src/results/insert-jobs.ts';
import * as jobs from '../../src/results/job.repository.ts';
import * as audits from '../../src/results/job-audit.repository.ts';
import * as events from '../../src/results/job-event.repository.ts';
import * as leases from '../../src/results/job-lease.repository.ts';
import * as jobsToRun from '../../src/results/job-to-run.ts';
import { countNewJobs, readJobUsage } from '../../src/results/job-usage.repository.ts';
import * as referred from '../../src/results/list-referred-digests.ts';
import { lookUpEntries } from '../../src/results/look-up-entries.ts';
import * as mirrored from '../../src/results/mirrored-job.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import * as specs from '../../src/results/pipeline-spec.repository.ts';
import type { EntryToWrite } from '../../src/results/record-entries.ts';
import * as recordings from '../../src/results/record-entries.ts';
import * as renewals from '../../src/results/renew-leases.ts';
import * as reruns from '../../src/results/rerun-entries.ts';
import type { ResultsDatabase, ResultsTransaction } from '../../src/results/results-database.ts';
import * as stamp from '../../src/results/results-stamp.ts';
import { migrateResults } from '../../src/results/results-track.ts';
import * as storedFiles from '../../src/results/stored-file.repository.ts';
import type { ResultsTables } from '../../src/results/tables/results-tables.ts';
import * as executions from '../../src/results/task-execution.repository.ts';
import * as logs from '../../src/results/task-log.repository.ts';
import * as results from '../../src/results/task-result.repository.ts';
import * as verified from '../../src/results/verified-entries.ts';
import * as withdrawals from '../../src/results/withdraw-entries.ts';
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
  countNewJobs,
  readJobUsage,
  ...storedFiles,
  ...mirrored,
  ...cacheEntries,
  ...cacheEvents,
  ...cacheFlights,
  ...cacheHistory,
  ...cacheStatistics,
  ...evictions,
  ...followers,
  ...referred,
  lookUpEntries,
  weighEntries: recordings.weighEntries,
  writeEntries: recordings.writeEntries,
  ...reruns,
  ...verified,
  ...withdrawals,
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
  'cache_events',
  'job_events',
  'cache_flights',
  'job_usage',
  'stored_files',
  'storage_usage',
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
    inputs: [{ key: 'ligand', uri: 'mad://l', checksum: 'a'.repeat(64), size_bytes: 7 }],
    events: [{ event: 'QUEUED' }],
  });
  const late = { job_id: LATE, deadline: new Date(0) };
  const jobs = [accepted({ job_id: JOB, idempotency_key: 'k' }), accepted({ job_id: PENDING }), accepted(late)];
  expect(await repo.insertJobs(db, { jobs })).toHaveLength(3);
  expect(await repo.failOverdueJobs(db)).toEqual([LATE]);
  expect(await repo.countDueJobs(db)).toBe(2);
  expect((await repo.listDueJobs(db, {})).items).toHaveLength(2);
  expect(await repo.listJobsToRun(db, { jobIds: [JOB, PENDING, LATE] })).toHaveLength(2);
  await repo.followLeaders(db, { owner: 'w', jobs: [{ jobId: PENDING, cacheKey: 'job', priority: 0 }] });

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
  expect(await repo.listRunningExecutions(db, { instances: [{ jobId: JOB, taskName: 'dock' }] })).toHaveLength(1);
  await repo.finishOpenTaskExecutions(db, { jobId: JOB, status: 'COMPLETED' });
  const close = closed({ outputs: [{ key: 'poses', uri: 'mad://p' }], poses: [{ pose_rank: 1, affinity: -7 }] });
  expect(await commit({ jobId: JOB, fence: 2, close, events: [{ event: 'COMPLETED' }] })).toHaveLength(1);
  await repo.insertJobs(db, { jobs: [accepted({ job_id: HIT, status: 'COMPLETED', canonical_job_id: JOB })] });

  await inTx(async (tx) => {
    await repo.appendJobEvents(tx, { jobId: JOB, events: [{ event: 'TASK_PROGRESS' }] });
    await repo.raiseEventNumber(tx, { jobId: JOB });
    await repo.appendTaskLogs(tx, { jobId: JOB, lines: [{ message: 'x' }], cap: 10 });
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

  const usage = await db.transaction().execute((tx) => repo.countNewJobs(tx, { jobs: 1 }));
  expect(usage.openJobs).toBe((await repo.readJobUsage(db)).openJobs);
  expect(await repo.readStoredBytes(db)).toBe(7);
  await repo.forgetStoredFiles(db, { digests: ['a'.repeat(64)] });
  await repo.countStoredFiles(db);
  expect(await repo.readStoredBytes(db)).toBe(7);

  await useEntries(db, repo);
  await useFlights(db, repo);
}

async function useEntries(db: ResultsDatabase, repo: typeof REPOSITORIES): Promise<void> {
  const entry = (cache_key: string): EntryToWrite => ({
    ...{ cache_key, task_name: '*', canonical_job_id: JOB, artifact_map: {}, artifact_sizes: {}, producer: {} },
    ...{ pipeline_version: 'dock@1.0.0', confidence_score: 0.5, determinism: 'exact', metrics_summary: {} },
    ...{ key_components: {}, input_signature: 's', compute_ms: 5, size_bytes: 10, content_digest: 'd', seal: 's' },
    ...{ expires_in_ms: null, sliding_ms: null },
  });
  await db.transaction().execute(async (tx) => {
    const entries = ['kept', 'evicted', 'damaged', 'withdrawn'].map(entry);
    const weighed = await repo.weighEntries(tx, { entries });
    expect(weighed.map(({ new_digest }) => new_digest?.length)).toEqual([64, 64, 64, 64]);
    await repo.writeEntries(tx, { entries, replaced: [], drifted: [], yielding: [] });
  });
  expect(await repo.readCacheStatistics(db)).toMatchObject({ entries: 4, bytes: 40 });
  const [looked] = await repo.lookUpEntries(db, { cacheKeys: ['kept'] });
  expect(looked).toMatchObject({ job_digest: expect.stringMatching(/^[0-9a-f]{64}$/), invalidated: null });
  await repo.countHits(db, { counted: [{ cacheKey: 'kept', hits: 2, rerun: true }] });
  expect(await repo.findCacheEntry(db, { cacheKey: 'kept' })).toMatchObject({ hit_count: 2, state: 'served' });
  expect(await repo.listSampledJobs(db, { limit: 9 })).toMatchObject([{ job_id: JOB, cache_keys: ['kept'] }]);
  await repo.clearSampled(db, { cacheKeys: ['kept'] });
  expect(await repo.findCacheKeys(db, { prefix: 'k', limit: 9 })).toEqual(['kept']);
  expect(await repo.findCacheEntries(db, { cacheKeys: ['kept', 'evicted'] })).toHaveLength(2);
  const damaged = [{ cacheKey: 'damaged', seal: 's', reason: 'entry_altered', metadata: {} }];
  expect(await repo.quarantineEntries(db, { damaged })).toEqual(new Set(['damaged']));
  expect(await repo.listCacheEvents(db, { cacheKey: 'damaged' })).toHaveLength(1);
  const by = { cacheKey: 'withdrawn', actor: null };
  expect(await repo.invalidateEntryRows(db, { ...by, reason: 'x' })).toBe(1);
  expect(await repo.disownEntryRows(db, { ...by, cacheKey: 'evicted' })).toBe(2);
  expect(await repo.listAffectedJobs(db, { cacheKey: 'kept' })).toHaveLength(2);
  expect(await repo.pinCacheEntry(db, { ...by, cacheKey: 'kept', pinned: true })).toBe(true);
  expect(await repo.expireCacheEntry(db, { ...by, expiresAt: null, slidingMs: null })).toBe(true);
  const before = await repo.readResultsTime(db);
  expect(await repo.listUnverifiedKeys(db, { before, limit: 9 })).toEqual([]);
  await repo.noteVerified(db, { cacheKeys: ['kept'] });
  expect((await repo.listCacheEntries(db, {})).items).toHaveLength(4);
  expect(await repo.evictEntryRows(db, { maxBytes: 0, dryRun: false, actor: null })).toHaveLength(3);
  expect(await repo.listReferredDigests(db, { since: new Date(0) })).toEqual(['a'.repeat(64)]);
  expect(await repo.listCacheDecisions(db, { jobId: JOB })).toEqual([]);
  expect(await repo.listCacheCandidates(db, { taskKey: null, inputSignatures: ['s'] })).toHaveLength(1);
  expect(await repo.listComputeTimes(db, { taskKey: 'dock' })).toEqual([]);
}

async function useFlights(db: ResultsDatabase, repo: typeof REPOSITORIES): Promise<void> {
  const claim = (leaseMs: number) =>
    repo.claimCacheFlights(db, { owner: 'w', leaseMs, flights: [{ cacheKey: 'k', jobId: JOB, taskName: 'dock' }] });
  const flights = await claim(60_000);
  const [flight] = flights;
  const held = { cacheKey: 'k', fence: flight?.fence ?? 0 };
  await repo.renewCacheFlights(db, { flights, leaseMs: 60_000 });
  await repo.noteCacheFlightProgress(db, { ...held, progress: 0.5 });
  expect(await repo.listCacheFlights(db, { cacheKeys: ['k'] })).toMatchObject([{ fence: held.fence, progress: 0.5 }]);
  await repo.endCacheFlightUnshared(db, held);
  expect(await repo.listCacheFlights(db, { cacheKeys: ['k'] })).toMatchObject([{ unshared: true, held: false }]);
  await repo.endCacheFlights(db, { flights });
  await repo.deleteOldCacheFlights(db);
  await db.transaction().execute((tx) => repo.closeFollowers(tx, { led: [] }));
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
