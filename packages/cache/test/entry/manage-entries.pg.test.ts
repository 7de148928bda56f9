import { type Caller, NotFoundError, newId, PermissionDeniedError, ValidationFailedError } from '@mad/core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  cacheStatistics,
  collectGarbage,
  disownEntries,
  evictEntries,
  explainJob,
  getEntry,
  invalidateEntries,
  listEntries,
  pinEntry,
  rerunSampled,
  setEntryExpiry,
  verifyEntries,
} from '../../src/index.ts';
import { type ManagedCache, openManagedCache, SECRET } from './managed-cache.ts';

let managed: ManagedCache;
beforeAll(async () => {
  managed = await openManagedCache();
});
afterAll(() => managed[Symbol.asyncDispose]());
beforeEach(async () => {
  await managed.opened.results.deleteFrom('jobs').execute();
  await managed.opened.results.deleteFrom('cache_events').execute();
});

const NO_KEY = 'f'.repeat(64);
const find = (cacheKey: string) =>
  managed.cache.find(managed.opened.results, { orgId: managed.opened.orgId, cacheKey });
const miss = (reason: string) => ({ outcome: 'miss', reason });
const edit = (cacheKey: string, columns: object) =>
  managed.opened.results.updateTable('result_cache').set(columns).where('cache_key', '=', cacheKey).execute();
const eventsOf = async (cacheKey: string) =>
  (await getEntry(managed.platform, managed.caller, { cacheKey })).history.map(({ event, reason }) => [event, reason]);

test('entries are listed the newest first, by page, and by what they are', async () => {
  const { platform, caller, record } = managed;
  const made = [];
  for (let n = 0; n < 5; n++) made.push(await record());
  const whole = await record({ whole: true });
  const [first, second] = made.map(({ cacheKey }) => cacheKey);
  const newest = [whole, ...made.toReversed()].map(({ cacheKey }) => cacheKey);
  const page = await listEntries(platform, caller, { limit: 4 });
  const rest = await listEntries(platform, caller, { limit: 4, cursor: page.nextCursor });
  expect([...page.items, ...rest.items].map(({ cacheKey }) => cacheKey)).toEqual(newest);
  expect(rest.nextCursor).toBeUndefined();
  await pinEntry(platform, caller, { cacheKey: first ?? '', pinned: true });
  await edit(second ?? '', { invalidated_at: new Date(), invalidated_reason: 'result_altered' });
  const keys = async (request: Parameters<typeof listEntries>[2]) =>
    (await listEntries(platform, caller, request)).items.map(({ cacheKey }) => cacheKey);
  expect(await keys({ pinned: true })).toEqual([first]);
  expect(await keys({ state: 'quarantined' })).toEqual([second]);
  expect(await keys({ state: 'served', taskKey: 'dock' })).toHaveLength(4);
  expect(await keys({ taskKey: 'other' })).toEqual([]);
  expect(await keys({ canonicalJobId: whole.jobId })).toEqual([whole.cacheKey]);
  await expect(listEntries(platform, caller, { canonicalJobId: 'x' })).rejects.toThrow(ValidationFailedError);
  await expect(listEntries(platform, caller, { cursor: 'x' })).rejects.toThrow(ValidationFailedError);
});

test('an entry is shown with what it is and what happened to it', async () => {
  const { platform, caller, record } = managed;
  const { cacheKey, jobId, seed } = await record({ confidenceScore: 0.5 });
  const better = await record({ confidenceScore: 0.9, seed });
  const { history, ...entry } = await getEntry(platform, caller, { cacheKey });
  expect(entry).toMatchObject({
    ...{ cacheKey, state: 'served', reason: null, taskKey: 'dock', taskName: 'dock', canonicalJobId: better.jobId },
    ...{ confidenceScore: 0.9, determinism: 'seeded', pinned: false, hitCount: 0, expiresAt: null, computeMs: 1_000 },
    ...{ artifacts: {}, producer: { service_name: 'vina' } },
  });
  expect(history).toMatchObject([
    { event: 'RECORDED_BETTER', canonicalJobId: jobId, confidenceScore: 0.5, actor: null },
  ]);
  const whole = await record({ whole: true });
  expect(await getEntry(platform, caller, { cacheKey: whole.cacheKey })).toMatchObject({
    taskKey: null,
    taskName: '*',
  });
});

test('a pinned entry does not expire; each change is told once in the history, each call in the audit trail', async () => {
  const { platform, caller, record, audited } = managed;
  const { cacheKey } = await record();
  const before = (await audited()).length;
  await setEntryExpiry(platform, caller, { cacheKey, expiresAt: new Date(Date.now() - 1) });
  expect(await find(cacheKey)).toEqual(miss('expired'));
  await pinEntry(platform, caller, { cacheKey, pinned: true });
  await pinEntry(platform, caller, { cacheKey, pinned: true });
  expect(await find(cacheKey)).toMatchObject({ outcome: 'hit' });
  await pinEntry(platform, caller, { cacheKey, pinned: false });
  await setEntryExpiry(platform, caller, { cacheKey, expiresAt: null });
  expect(await find(cacheKey)).toMatchObject({ outcome: 'hit' });
  expect(await eventsOf(cacheKey)).toEqual([
    ['EXPIRY_SET', null],
    ['UNPINNED', null],
    ['PINNED', null],
    ['EXPIRY_SET', null],
  ]);
  expect((await audited()).slice(before)).toEqual([
    'cache.expire',
    'cache.pin',
    'cache.pin',
    'cache.unpin',
    'cache.expire',
  ]);
  for (const given of [{ expiresAt: new Date(Number.NaN) }, { expiresAt: null, slidingMs: 0 }])
    await expect(setEntryExpiry(platform, caller, { cacheKey, ...given })).rejects.toThrow(ValidationFailedError);
});

test('entries are invalidated by key, task, version, image and time, joined by and; whole jobs with such a step too', async () => {
  const { platform, caller, record } = managed;
  const one = await record();
  const newer = await record({ task: { version: '2.0.0' } });
  const other = await record({ task: { taskKey: 'prepare', producer: 'sha256:meeko' } });
  const whole = await record({ whole: true });
  expect(
    await invalidateEntries(platform, caller, { taskKey: 'dock', version: '1.0.0', imageDigest: 'sha256:other' }),
  ).toEqual({ entries: 0 });
  expect(
    await invalidateEntries(platform, caller, { taskKey: 'dock', version: '1.0.0', reason: 'wrong grid' }),
  ).toEqual({ entries: 2 });
  expect(await find(one.cacheKey)).toEqual(miss('invalidated'));
  expect(await find(whole.cacheKey)).toEqual(miss('invalidated'));
  expect(await eventsOf(one.cacheKey)).toEqual([['INVALIDATED', 'wrong grid']]);
  expect(await getEntry(platform, caller, { cacheKey: one.cacheKey })).toMatchObject({
    state: 'invalidated',
    reason: 'wrong grid',
  });
  expect(await find(newer.cacheKey)).toMatchObject({ outcome: 'hit' });
  expect(await invalidateEntries(platform, caller, { cacheKey: newer.cacheKey })).toEqual({ entries: 1 });
  expect(await invalidateEntries(platform, caller, { cacheKey: newer.cacheKey })).toEqual({ entries: 0 });
  const now = new Date();
  expect(await invalidateEntries(platform, caller, { between: { to: new Date(now.getTime() - 60_000) } })).toEqual({
    entries: 0,
  });
  expect(
    await invalidateEntries(platform, caller, {
      imageDigest: 'sha256:meeko',
      between: { from: new Date(now.getTime() - 60_000) },
    }),
  ).toEqual({ entries: 1 });
  expect(await find(other.cacheKey)).toEqual(miss('invalidated'));
  const again = await record({ seed: one.seed });
  expect(await find(one.cacheKey)).toMatchObject({ canonicalJobId: again.jobId });
});

test('no criterion, an empty one and a word of the cache’s own as reason are refused', async () => {
  const { platform, caller } = managed;
  const refused = [
    {},
    { between: {} },
    { taskKey: '' },
    { taskKey: 'a\0b' },
    { between: { from: new Date(Number.NaN) } },
    { taskKey: 'x', reason: 'disowned' },
    { taskKey: 'x', reason: '' },
  ];
  for (const given of refused)
    await expect(invalidateEntries(platform, caller, given)).rejects.toThrow(ValidationFailedError);
  await expect(disownEntries(platform, caller, {})).rejects.toThrow(ValidationFailedError);
});

test('what is disowned leaves service with the whole jobs that serve it, and every job that has such a result is named', async () => {
  const { platform, caller, record } = managed;
  const { results } = managed.opened;
  const insertJob = async (columns: object = {}) => {
    const job_id = newId();
    await results
      .insertInto('jobs')
      .values({ job_id, pipeline_version: 'docking@1.0.0', status: 'COMPLETED', ...columns })
      .execute();
    return job_id;
  };
  const tell = (job_id: string, event: string, metadata: { readonly [name: string]: string }) =>
    results.insertInto('job_events').values({ job_id, seq_no: 1, event, detail: 'dock', metadata }).execute();
  const bad = await record({ producer: { service_name: 'bad' }, confidenceScore: 0.1 });
  const good = await record({ producer: { service_name: 'good' } });
  const wholeOfBad = await record({ whole: true, jobId: bad.jobId });
  const user = await insertJob();
  await tell(user, 'TASK_CACHED', { cache_key: bad.cacheKey, canonical_job_id: bad.jobId });
  const wholeOfUser = await record({ whole: true, jobId: user });
  const given = await insertJob({ canonical_job_id: user, cache: { cache_key: wholeOfUser.cacheKey } });
  const fork = await insertJob({ forked_from: user });
  await tell(fork, 'TASK_REUSED', { source_job_id: user });
  const wholeOfFork = await record({ whole: true, jobId: fork });
  // Replaced by a better one of another service: the job that computed it keeps what it has.
  const replaced = await record({ producer: { service_name: 'bad' }, confidenceScore: 0.2 });
  const better = await record({ producer: { service_name: 'good' }, confidenceScore: 0.8, seed: replaced.seed });

  const [before, planned] = [
    await managed.audited(),
    await disownEntries(platform, caller, { service: 'bad', dryRun: true }),
  ];
  expect(await managed.audited(), 'a dry run changes nothing').toEqual(before);
  const found = await disownEntries(platform, caller, { service: 'bad', reason: 'wrong force field' });
  expect(planned).toEqual(found);
  expect(found.entries).toBe(4);
  for (const { cacheKey } of [bad, wholeOfBad, wholeOfUser, wholeOfFork])
    expect(await find(cacheKey)).toEqual(miss('disowned'));
  for (const { cacheKey } of [good, better]) expect(await find(cacheKey)).toMatchObject({ outcome: 'hit' });
  const jobs = found.jobs.map(({ jobId, how }) => `${jobId} ${how}`).sort();
  expect(jobs).toEqual(
    [`${bad.jobId} computed`, `${replaced.jobId} computed`, `${user} step`, `${fork} step`, `${given} job`].sort(),
  );
  expect(await disownEntries(platform, caller, { service: 'bad' })).toEqual({ entries: 0, jobs: found.jobs });
  expect(
    (await disownEntries(platform, caller, { service: 'bad', between: { to: new Date(Date.now() - 60_000) } })).jobs,
  ).toEqual([]);
  expect(
    (await disownEntries(platform, caller, { taskKey: 'dock', version: '1.0.0', imageDigest: 'sha256:vina' })).entries,
  ).toBe(2);
});

test('a job is named once for each result that it has and each way in which it came by it', async () => {
  const { platform, caller, record } = managed;
  const { results } = managed.opened;
  const { cacheKey, jobId } = await record({ producer: { service_name: 'twice' } });
  const whole = await record({ whole: true, jobId });
  const columns = { pipeline_version: 'docking@1.0.0', status: 'COMPLETED' as const };
  const [steps, given] = [newId(), newId()];
  await results
    .insertInto('jobs')
    .values([
      { ...columns, job_id: steps },
      { ...columns, job_id: given, canonical_job_id: jobId, cache: { cache_key: whole.cacheKey } },
    ])
    .execute();
  const metadata = { cache_key: cacheKey, canonical_job_id: jobId };
  const events = ['dock', 'dock again', 'dock'].map((detail, n) => ({
    ...{ job_id: steps, seq_no: n + 1, event: 'TASK_CACHED', detail, metadata },
  }));
  await results.insertInto('job_events').values(events).execute();
  const { jobs } = await disownEntries(platform, caller, { taskKey: 'dock' });
  const shown = jobs.map((job) => [job.jobId, job.cacheKey, job.how].join());
  expect(shown.toSorted()).toEqual(
    [
      `${jobId},${cacheKey},computed`,
      `${jobId},${whole.cacheKey},computed`,
      `${steps},${cacheKey},step`,
      `${given},${whole.cacheKey},job`,
    ].toSorted(),
  );
});

test('the least worth goes first: unserved, then cheap, large and unused; pinned stays; a dry run changes nothing', async () => {
  const { platform, caller, record } = managed;
  const day = 86_400_000;
  const entries: Record<string, string> = {};
  const make = async (name: string, columns: object) => {
    entries[name] = (await record()).cacheKey;
    await edit(entries[name], { size_bytes: 100, compute_ms: 1_000, ...columns });
  };
  await make('dear', { compute_ms: 10_000 });
  await make('cheap', {});
  await make('large', { size_bytes: 1_000, compute_ms: 5_000 });
  await make('old', { compute_ms: 10_000, last_used_at: new Date(Date.now() - 99 * day) });
  await make('pinned', { compute_ms: 0, pinned: true });
  await make('invalid', { compute_ms: 1_000_000, invalidated_at: new Date() });
  const evict = async (maxBytes: number, dryRun = false) =>
    (await evictEntries(platform, caller, { maxBytes, dryRun })).evicted.map(
      ({ cacheKey }) => Object.entries(entries).find(([, key]) => key === cacheKey)?.[0],
    );
  expect(await evict(1_500)).toEqual([]);
  expect(await evict(300, true)).toEqual(['old', 'large', 'invalid']);
  expect((await evict(1_400)).sort()).toEqual(['invalid']);
  expect(await evict(300)).toEqual(['old', 'large']);
  expect(await evictEntries(platform, caller, { maxBytes: 0 })).toMatchObject({ entries: 2, bytes: 200 });
  expect((await listEntries(platform, caller)).items.map(({ cacheKey }) => cacheKey)).toEqual([entries.pinned]);
  const told = await managed.opened.results
    .selectFrom('cache_events')
    .selectAll()
    .where('event', '=', 'EVICTED')
    .execute();
  expect(told).toHaveLength(5);
  for (const maxBytes of [-1, Number.NaN])
    await expect(evictEntries(platform, caller, { maxBytes })).rejects.toThrow(ValidationFailedError);
});

test('verification finds what nobody asked for, says how far it is, and goes on where it was', async () => {
  const { platform, caller, record, opened, audited } = managed;
  const { results, orgId, artifacts } = opened;
  const file = await artifacts.put(orgId, 'verified poses');
  const named = { uri: `mad://org/${orgId}/artifacts/${file.digest}`, sizeBytes: file.sizeBytes };
  const [sound, edited, forged, lost] = [
    await record(),
    await record(),
    await record(),
    await record({ artifacts: { poses: named } }),
  ];
  await results
    .updateTable('task_results')
    .set({ result_data: { forged: true } })
    .where('job_id', '=', edited.jobId)
    .execute();
  await edit(forged.cacheKey, { confidence_score: 1 });
  await artifacts.delete(orgId, file.digest);
  expect((await verifyEntries(platform, caller, { secret: SECRET, limit: 1 })).checked).toBe(1);
  expect((await verifyEntries(platform, caller, { secret: SECRET, limit: 1 })).checked).toBe(1);
  const progress: number[] = [];
  await verifyEntries(platform, caller, { secret: SECRET, onProgress: ({ checked }) => void progress.push(checked) });
  expect(progress.length).toBeGreaterThan(0);
  for (const [{ cacheKey }, reason] of [
    [edited, 'result_altered'],
    [forged, 'entry_altered'],
    [lost, 'artifact_missing'],
  ] as const)
    expect(await getEntry(platform, caller, { cacheKey })).toMatchObject({ state: 'quarantined', reason });
  expect(await find(sound.cacheKey)).toMatchObject({ outcome: 'hit' });
  expect(await audited()).toContain('cache.verify');
  expect(await verifyEntries(platform, caller, { secret: SECRET, rehash: false })).toEqual({
    checked: 1,
    foreign: 0,
    quarantined: [],
  });
});

test('without the secret seals are left alone, rows and files are verified all the same', async () => {
  const { platform, caller, record, opened } = managed;
  const [sound, edited] = [await record(), await record()];
  await opened.results
    .updateTable('task_results')
    .set({ result_data: {} })
    .where('job_id', '=', edited.jobId)
    .execute();
  expect(await verifyEntries(platform, caller)).toEqual({
    checked: 2,
    foreign: 2,
    quarantined: [{ cacheKey: edited.cacheKey, reason: 'result_altered' }],
  });
  expect(await find(sound.cacheKey)).toMatchObject({ outcome: 'hit' });
});

test('statistics count entries, hits, misses by reason, what was saved and who waited', async () => {
  const { platform, caller, record, opened } = managed;
  const { results } = opened;
  const { cacheKey, jobId } = await record();
  await edit(cacheKey, { size_bytes: 500, hit_count: 3 });
  const old = await record();
  await edit(old.cacheKey, { invalidated_at: new Date(), size_bytes: 100 });
  const job_id = newId();
  await results
    .insertInto('jobs')
    .values({ job_id, pipeline_version: 'p@1', cache: { reason: 'no_entry', outcome: 'miss' } })
    .execute();
  const execution = (task_name: string, cache_outcome: string, retries = 0) => ({
    job_id,
    task_name,
    cache_outcome,
    retries,
    started_at: new Date(),
  });
  await results
    .insertInto('task_executions')
    .values([
      execution('a', 'expired'),
      execution('b', 'no_entry'),
      execution('b', 'no_entry', 1),
      execution('c', 'hit'),
    ])
    .execute();
  const computed = { job_id: jobId, task_name: 'dock', status: 'COMPLETED' as const, cache_key: cacheKey };
  await results.insertInto('task_executions').values(computed).execute();
  const completed = { event: 'TASK_COMPLETED', detail: 'dock', metadata: { compute_ms: 60_000 } };
  await results
    .insertInto('job_events')
    .values({ job_id: jobId, seq_no: 1, ...completed })
    .execute();
  const told = [
    ['TASK_CACHED', { cache_key: cacheKey, canonical_job_id: jobId }],
    ['TASK_JOINED', {}],
    ['JOB_JOINED', {}],
  ] as const;
  await results
    .insertInto('job_events')
    .values(told.map(([event, metadata], n) => ({ job_id, seq_no: n + 1, event, detail: 'c', metadata })))
    .execute();
  const expected = {
    entries: 1,
    bytes: 500,
    hits: 1,
    hitsAfterWaiting: 1,
    misses: { no_entry: 2, expired: 1 },
    savedMs: 60_000,
    flightsJoined: 2,
  };
  expect(await cacheStatistics(platform, caller)).toEqual(expected);
  expect(await cacheStatistics(platform, caller, { since: new Date(Date.now() - 60_000) })).toEqual(expected);
  expect(await cacheStatistics(platform, caller, { since: new Date(Date.now() + 60_000) })).toMatchObject({
    hits: 0,
    misses: {},
    savedMs: 0,
    flightsJoined: 0,
  });
});

test('each call needs its permission, an entry that is there, and finds nothing of another organization', async () => {
  const { platform, caller, record } = managed;
  const { cacheKey } = await record();
  const full = platform as unknown as Parameters<typeof rerunSampled>[0];
  const calls: Readonly<Record<string, readonly [string, (who: Caller, key: string) => Promise<unknown>]>> = {
    list: ['cache.view', (who) => listEntries(platform, who)],
    get: ['cache.view', (who, key) => getEntry(platform, who, { cacheKey: key })],
    statistics: ['cache.view', (who) => cacheStatistics(platform, who)],
    pin: ['cache.manage', (who, key) => pinEntry(platform, who, { cacheKey: key, pinned: true })],
    expire: ['cache.manage', (who, key) => setEntryExpiry(platform, who, { cacheKey: key, expiresAt: null })],
    invalidate: ['cache.manage', (who) => invalidateEntries(platform, who, { taskKey: 'none' })],
    disown: ['cache.manage', (who) => disownEntries(platform, who, { service: 'none' })],
    evict: ['cache.manage', (who) => evictEntries(platform, who, { maxBytes: 1e12 })],
    collect: ['cache.manage', (who) => collectGarbage(platform, who)],
    verify: ['cache.manage', (who) => verifyEntries(platform, who)],
    rerun: ['cache.manage', (who) => rerunSampled(full, who)],
  };
  for (const [name, [permission, call]] of Object.entries(calls)) {
    const others = new Set(
      ['cache.view', 'cache.manage', 'job.view', 'job.create'].filter((one) => one !== permission),
    );
    await expect(call({ ...caller, permissions: others }, cacheKey), name).rejects.toThrow(PermissionDeniedError);
    await expect(call({ ...caller, permissions: new Set([permission]) }, cacheKey), name).resolves.not.toThrow();
    await expect(call({ ...caller, orgId: newId() }, cacheKey), name).rejects.toThrow(NotFoundError);
  }
  for (const key of [NO_KEY, 'x', `${'a'.repeat(60)}\0`]) {
    for (const name of ['get', 'pin', 'expire'])
      await expect(calls[name]?.[1](caller, key), name).rejects.toThrow(NotFoundError);
  }
});

test('what no call can mean is refused with the place and what is expected, before the database is asked', async () => {
  const { platform, caller, record } = managed;
  const { cacheKey } = await record();
  const noDatabase = {
    ...platform,
    results: { get: () => Promise.reject(new Error('the database was asked')) },
  } as unknown as Parameters<typeof rerunSampled>[0];
  const [earliest, latest, invalid] = [new Date(-8.64e15), new Date(8.64e15), new Date(Number.NaN)];
  const huge = 'a'.repeat(3_000_000);
  const given: readonly (readonly [(request: never) => Promise<unknown>, object, string])[] = [
    ...['a\0b', ['dock'], () => 'dock', '', huge].map(
      (taskKey) => [(request: never) => listEntries(noDatabase, caller, request), { taskKey }, '/taskKey'] as const,
    ),
    ...['gone', 'a\0b', ['served'], () => 'served'].map(
      (state) => [(request: never) => listEntries(noDatabase, caller, request), { state }, '/state'] as const,
    ),
    ...[Number.NaN, '7', Number.POSITIVE_INFINITY, 1.5].map(
      (limit) => [(request: never) => listEntries(noDatabase, caller, request), { limit }, '/limit'] as const,
    ),
    [(request) => listEntries(noDatabase, caller, request), { pinned: 'yes' }, '/pinned'],
    [(request) => listEntries(noDatabase, caller, request), { cursor: 5 }, '/cursor'],
    ...['yes', 1, undefined, null].map(
      (pinned) => [(request: never) => pinEntry(noDatabase, caller, request), { cacheKey, pinned }, '/pinned'] as const,
    ),
    ...[Number.NaN, -1, 0.5, '7', 1e30].flatMap((limit) => [
      [(request: never) => verifyEntries(noDatabase, caller, request), { limit }, '/limit'] as const,
      [(request: never) => rerunSampled(noDatabase, caller, request), { limit }, '/limit'] as const,
    ]),
    [(request) => verifyEntries(noDatabase, caller, request), { rehash: 'no' }, '/rehash'],
    [(request) => verifyEntries(noDatabase, caller, request), { onProgress: 'no' }, '/onProgress'],
    [(request) => evictEntries(noDatabase, caller, request), { maxBytes: 0, dryRun: 'no' }, '/dryRun'],
    [(request) => evictEntries(noDatabase, caller, request), { maxBytes: '5' }, '/maxBytes'],
    [(request) => collectGarbage(noDatabase, caller, request), { dryRun: 'no' }, '/dryRun'],
    [(request) => collectGarbage(noDatabase, caller, request), { graceMs: Number.NaN }, '/graceMs'],
    ...[earliest, latest, invalid, '2030-01-01', 0].flatMap((time) => [
      [
        (request: never) => setEntryExpiry(noDatabase, caller, request),
        { cacheKey, expiresAt: time },
        '/expiresAt',
      ] as const,
      [(request: never) => cacheStatistics(noDatabase, caller, request), { since: time }, '/since'] as const,
      [
        (request: never) => invalidateEntries(noDatabase, caller, request),
        { between: { from: time } },
        '/between/from',
      ] as const,
      [
        (request: never) => disownEntries(noDatabase, caller, request),
        { service: 'vina', between: { to: time } },
        '/between/to',
      ] as const,
    ]),
    [
      (request) => setEntryExpiry(noDatabase, caller, request),
      { cacheKey, expiresAt: null, slidingMs: 9e15 },
      '/slidingMs',
    ],
    ...[huge, 'x', 5, [cacheKey]].map(
      (key) =>
        [(request: never) => invalidateEntries(noDatabase, caller, request), { cacheKey: key }, '/cacheKey'] as const,
    ),
    [(request) => invalidateEntries(noDatabase, caller, request), { taskKey: 'dock', verison: '1.0.0' }, ''],
    [(request) => invalidateEntries(noDatabase, caller, request), { taskKey: 'dock', reason: 'a\0b' }, '/reason'],
    [(request) => disownEntries(noDatabase, caller, request), { task: 'dock' }, ''],
    [(request) => disownEntries(noDatabase, caller, request), { taskKey: huge }, '/taskKey'],
    [(request) => listEntries(noDatabase, caller, request), null as never, ''],
  ];
  for (const [call, request, pointer] of given) {
    const told = await call(request as never).catch((err: unknown) => err);
    const name = JSON.stringify(request)?.slice(0, 100);
    expect(told, name).toBeInstanceOf(ValidationFailedError);
    const { issues, message } = told as ValidationFailedError;
    expect(issues[0]?.pointer, name).toBe(pointer);
    expect(message.length, name).toBeLessThan(500);
  }
});

test('a wrong word in a request is answered with the right one', async () => {
  const { platform, caller, record } = managed;
  const { cacheKey } = await record();
  const explained = explainJob(platform as never, { ...caller }, { job: newId() } as never);
  await expect(explained).rejects.toThrow('/jobId: expected the id of a job');
  await expect(setEntryExpiry(platform, caller, { cacheKey, expiresAt: 'never' as never })).rejects.toThrow(
    '/expiresAt: expected a Date of the years 1 to 9999, or null for never',
  );
});

test('a cursor that no page gave is refused', async () => {
  const { platform, caller } = managed;
  const places = [
    ['x', NO_KEY],
    ['2026-02-31 00:00:00+00', NO_KEY],
    ['1', 'a\0b'],
    ['9'.repeat(300), NO_KEY],
  ];
  for (const place of places) {
    const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
    await expect(listEntries(platform, caller, { cursor }), place.join()).rejects.toThrow(ValidationFailedError);
  }
});
