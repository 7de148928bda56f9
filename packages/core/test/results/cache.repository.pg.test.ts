import { setTimeout } from 'node:timers/promises';
import { createPostgresDatabase } from '@mad/testkit';
import { beforeEach, expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import {
  countHits,
  findCacheEntries,
  findCacheEntry,
  listCacheEntries,
  pinCacheEntry,
  quarantineEntries,
} from '../../src/results/cache-entry.repository.ts';
import { listCacheEvents } from '../../src/results/cache-event.repository.ts';
import {
  claimCacheFlights,
  endCacheFlights,
  listCacheFlights,
  renewCacheFlights,
} from '../../src/results/cache-flight.repository.ts';
import { type LookedUpEntry, lookUpEntries } from '../../src/results/look-up-entries.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import { type EntryToWrite, weighEntries, writeEntries } from '../../src/results/record-entries.ts';
import { describeOnEachDatabase, insertTestJob, resultsTemplate, SCHEMA } from './each-database.ts';

const LEASE_MS = 60_000;

describeOnEachDatabase((results) => {
  let jobId: string;
  let cacheKey: string;
  beforeEach(async () => {
    jobId = await insertTestJob(results());
    cacheKey = newId();
  });
  /** Writes it, and returns whether the entry is that now. */
  const write = async (given: Partial<EntryToWrite> = {}) => {
    const seal = newId();
    const entry: EntryToWrite = {
      ...{ cache_key: cacheKey, task_name: 'dock', canonical_job_id: jobId, artifact_map: {}, artifact_sizes: {} },
      ...{ producer: {}, pipeline_version: 'dock@1.0.0', confidence_score: null, determinism: 'exact' },
      ...{ metrics_summary: {}, key_components: {}, input_signature: 's', compute_ms: 1, size_bytes: 1 },
      ...{ content_digest: 'd', seal, expires_in_ms: null, sliding_ms: null, ...given },
    };
    await results()
      .transaction()
      .execute((tx) => writeEntries(tx, { entries: [entry], replaced: [], drifted: [], yielding: [] }));
    return (await findCacheEntry(results(), { cacheKey: entry.cache_key }))?.seal === seal;
  };
  const entry = () => findCacheEntry(results(), { cacheKey });
  const edit = (columns: object) =>
    results().updateTable('result_cache').set(columns).where('cache_key', '=', cacheKey).execute();

  test('an entry is read as it was written', async () => {
    const written = {
      artifact_map: { poses: 'mad://p' },
      metrics_summary: { best: -9.5 },
      key_components: { kind: 'step', ignored: ['/cpu'] },
      producer: { version: '1.2.5' },
      input_signature: 's',
      compute_ms: 66_000,
      size_bytes: 2 ** 40,
      confidence_score: 0.5,
    };
    expect(await write(written)).toBe(true);
    const fresh = { hit_count: 0, pinned: false, invalidated_at: null, expires_at: null, state: 'served' };
    expect(await entry()).toMatchObject({ ...written, ...fresh });
  });

  test.each([
    [0.5, 0.6, true],
    [0.5, 0.5, false],
    [0.5, 0.4, false],
    [0.5, null, false],
    [null, 0, true],
    [null, null, false],
  ])('an entry scored %s is replaced by one scored %s: %s', async (before, after, replaced) => {
    await write({ confidence_score: before });
    expect(await write({ confidence_score: after })).toBe(replaced);
  });

  test('an entry that was invalidated or has expired is replaced by any result, one that is pinned does not expire', async () => {
    await write({ confidence_score: 0.9 });
    await edit({ invalidated_at: new Date(), invalidated_reason: 'x' });
    expect(await write({ confidence_score: 0.5 })).toBe(true);
    expect(await entry()).toMatchObject({ invalidated_at: null, invalidated_reason: null });
    await edit({ expires_at: new Date(Date.now() - 1_000), pinned: true });
    expect(await write({ confidence_score: 0.1 })).toBe(false);
    await edit({ pinned: false });
    expect(await write({ confidence_score: 0.1 })).toBe(true);
    expect(await entry()).toMatchObject({ expires_at: null });
  });

  test('a replaced entry keeps its hits and its pin', async () => {
    await write({ confidence_score: 0.1 });
    const counted = [cacheKey, 'no such key'].map((key) => ({ cacheKey: key, hits: 3, rerun: false }));
    await countHits(results(), { counted });
    await countHits(results(), { counted: [] });
    expect(await pinCacheEntry(results(), { cacheKey, pinned: true, actor: null })).toBe(true);
    expect(await pinCacheEntry(results(), { cacheKey: 'no such key', pinned: true, actor: null })).toBe(false);
    expect(await write({ confidence_score: 0.2 })).toBe(true);
    expect(await entry()).toMatchObject({ hit_count: 3, pinned: true, confidence_score: 0.2 });
  });

  test('an entry is taken out of service once, and only as it was seen', async () => {
    await write({ seal: 'seen' });
    const quarantine = (seal: string) =>
      quarantineEntries(results(), { damaged: [{ cacheKey, seal, reason: 'entry_altered', metadata: { x: 1 } }] });
    expect(await quarantine('another')).toEqual(new Set());
    expect(await quarantine('seen')).toEqual(new Set([cacheKey]));
    expect(await quarantine('seen')).toEqual(new Set());
    expect(await entry()).toMatchObject({ state: 'quarantined', seal: null });
    expect(await listCacheEvents(results(), { cacheKey })).toMatchObject([
      { event: 'QUARANTINED', metadata: { x: 1 } },
    ]);
  });

  test('many keys are looked up in one statement, whatever characters they have', async () => {
    const cacheKeys = [newId(), '{quoted, "key"}', 'ab'];
    for (const cache_key of cacheKeys) await write({ cache_key });
    const found = await lookUpEntries(results(), { cacheKeys: [...cacheKeys, 'none'] });
    expect(found.map((row) => row.cache_key).sort()).toEqual(cacheKeys.toSorted());
    expect(await lookUpEntries(results(), { cacheKeys: ['ab'] })).toHaveLength(1);
    expect(await findCacheEntries(results(), { cacheKeys })).toHaveLength(3);
    for (const find of [lookUpEntries, findCacheEntries]) expect(await find(results(), { cacheKeys: [] })).toEqual([]);
  });

  test('an entry is found the same, alone and among many', async () => {
    const result = {
      job_id: jobId,
      task_name: 'dock',
      service_name: 'vina',
      schema_version: '1',
      result_data: { n: 1.5 },
    };
    await results().insertInto('task_results').values(result).execute();
    const cacheKeys = Array.from({ length: 14 }, () => newId());
    for (const [at, cache_key] of cacheKeys.entries())
      await write({
        ...{ cache_key, task_name: at % 2 === 0 ? 'dock' : '*', confidence_score: at === 3 ? null : at / 20 },
        ...{ artifact_map: { '/poses': 'x' }, artifact_sizes: { x: at }, expires_in_ms: at === 4 ? 0 : null },
      });
    const invalidated_at = new Date();
    const [, second = ''] = cacheKeys;
    await results().updateTable('result_cache').set({ invalidated_at }).where('cache_key', '=', second).execute();
    const together = await lookUpEntries(results(), { cacheKeys });
    const alone = await Promise.all(cacheKeys.map((key) => lookUpEntries(results(), { cacheKeys: [key] })));
    const byKey = (rows: readonly LookedUpEntry[]) => new Map(rows.map((row) => [row.cache_key, { ...row }]));
    expect(byKey(together)).toEqual(byKey(alone.flat()));
    expect(together).toHaveLength(14);
  });

  test('a job that leaves PENDING waits for no other any more, whatever way it goes', async () => {
    for (const status of ['RUNNING', 'FAILED', 'CANCELED'] as const) {
      const waiting = await insertTestJob(results());
      const change = (set: { leader_job_id: string } | { status: typeof status }) =>
        results().updateTable('jobs').set(set).where('job_id', '=', waiting).returning('leader_job_id').execute();
      expect(await change({ leader_job_id: jobId })).toEqual([{ leader_job_id: jobId }]);
      expect(await change({ status })).toEqual([{ leader_job_id: null }]);
    }
  });

  test('a digest over an answer is the same whether it is reckoned here or there', async () => {
    const { stepContentDigest } = await import('../../src/results/content-digest.ts');
    const result_data = { text: 'a\nb\t"\\ é \u2028 \u0001 \u007f', n: [1e21, 1e-7, 0.1, 12345678901234568] };
    const names = ['a "quoted"\n\u0001 name', null] as const;
    for (const service_name of names) {
      const job_id = await insertTestJob(results());
      const row = { job_id, task_name: 'dock', service_name, schema_version: '1.0.0', result_data };
      await results().insertInto('task_results').values(row).execute();
      const key = newId();
      const given = {
        cache_key: key,
        task_name: 'dock',
        canonical_job_id: job_id,
        artifact_map: {},
        artifact_sizes: {},
      };
      const [weighed] = await results()
        .transaction()
        .execute((tx) => weighEntries(tx, { entries: [{ ...given, producer: {} }] }));
      await write({ cache_key: key, canonical_job_id: job_id });
      const [looked] = await lookUpEntries(results(), { cacheKeys: [key] });
      expect(stepContentDigest(service_name, '1.0.0', looked?.result ?? '')).toBe(weighed?.new_digest);
    }
  });

  test('entries are listed by page', async () => {
    const cacheKeys = Array.from({ length: 5 }, () => newId());
    for (const cache_key of cacheKeys) await write({ cache_key });
    const list = (cursor?: string) => listCacheEntries(results(), { canonicalJobId: jobId, limit: 3, cursor });
    const first = await list();
    const second = await list(first.nextCursor);
    expect([...first.items, ...second.items].map((row) => row.cache_key)).toEqual(cacheKeys.toReversed());
    expect(second.nextCursor).toBeUndefined();
    expect((await listCacheEntries(results(), { canonicalJobId: jobId, pinned: true })).items).toEqual([]);
  });

  test('a key is computed by one owner, until it ends the flight or its lease runs out', async () => {
    const claim = async (leaseMs = LEASE_MS) => {
      const flights = [{ cacheKey, jobId, taskName: 'dock' }];
      return (await claimCacheFlights(results(), { owner: 'w', leaseMs, flights }))[0];
    };
    const seen = async () => (await listCacheFlights(results(), { cacheKeys: [cacheKey] }))[0];
    const first = await claim();
    expect(await claim()).toBeUndefined();
    expect(await seen()).toMatchObject({ job_id: jobId, task_name: 'dock', fence: first?.fence, held: true });
    await endCacheFlights(results(), { flights: first ? [first] : [] });
    expect(await seen()).toBeUndefined();

    const second = await claim(1);
    await setTimeout(5);
    const third = await claim();
    const fences = [first, second, third].map((flight) => flight?.fence ?? 0);
    expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    expect(new Set(fences).size).toBe(3);
    const stale = second ? [second] : [];
    await renewCacheFlights(results(), { flights: stale, leaseMs: 0 });
    await endCacheFlights(results(), { flights: stale });
    expect(await seen()).toMatchObject({ fence: third?.fence, held: true });
  });
});

test('of many connections that claim one key exactly one is given it; many that count hits of the same entries never deadlock', async () => {
  await using database = await createPostgresDatabase(resultsTemplate);
  const results = openResultsDatabase(database.db, { schema: SCHEMA });
  const canonical_job_id = await insertTestJob(results);
  const flights = [{ cacheKey: 'k', jobId: canonical_job_id, taskName: 'dock' }];
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, i) => claimCacheFlights(results, { owner: `w${i}`, leaseMs: LEASE_MS, flights })),
  );
  expect(claims.flat()).toHaveLength(1);

  const cacheKeys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  const columns = { pipeline_version: 'dock@1', task_name: 'dock', canonical_job_id };
  await results
    .insertInto('result_cache')
    .values(cacheKeys.map((cache_key) => ({ cache_key, ...columns })))
    .execute();
  const counted = () =>
    cacheKeys.toSorted(() => Math.random() - 0.5).map((cacheKey) => ({ cacheKey, hits: 1, rerun: false }));
  await Promise.all(Array.from({ length: 40 }, () => countHits(results, { counted: counted() })));
  expect((await findCacheEntries(results, { cacheKeys })).map((row) => row.hit_count)).toEqual(cacheKeys.map(() => 40));
});
