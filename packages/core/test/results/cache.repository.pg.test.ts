import { setTimeout } from 'node:timers/promises';
import { createPostgresDatabase } from '@mad/testkit';
import { beforeEach, expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import {
  deleteCacheEntry,
  findCacheEntries,
  findCacheEntry,
  invalidateCacheEntry,
  listCacheEntries,
  touchCacheEntries,
  type UpsertCacheEntry,
  updateCacheEntry,
  upsertCacheEntry,
} from '../../src/results/cache-entry.repository.ts';
import {
  claimCacheFlight,
  findCacheFlight,
  releaseCacheFlight,
  renewCacheFlight,
} from '../../src/results/cache-flight.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import { describeOnEachDatabase, insertTestJob, resultsTemplate, SCHEMA } from './each-database.ts';

const LEASE_MS = 60_000;

describeOnEachDatabase((results) => {
  let jobId: string;
  let cacheKey: string;
  beforeEach(async () => {
    jobId = await insertTestJob(results());
    cacheKey = newId();
  });
  const upsert = (entry: Partial<UpsertCacheEntry> = {}) =>
    results()
      .transaction()
      .execute((tx) =>
        upsertCacheEntry(tx, {
          cache_key: cacheKey,
          pipeline_version: 'dock@1.0.0',
          task_name: 'dock',
          canonical_job_id: jobId,
          ...entry,
        }),
      );
  const entry = () => findCacheEntry(results(), { cacheKey });

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
    expect(await upsert(written)).toBe(true);
    expect(await entry()).toMatchObject({
      ...written,
      hit_count: 0,
      pinned: false,
      invalidated_at: null,
      expires_at: null,
    });
  });

  test.each([
    [0.5, 0.6, true],
    [0.5, 0.5, false],
    [0.5, 0.4, false],
    [0.5, null, false],
    [null, 0, true],
    [null, null, false],
  ])('an entry scored %s is replaced by one scored %s: %s', async (before, after, replaced) => {
    await upsert({ confidence_score: before, metrics_summary: { version: 'before' } });
    expect(await upsert({ confidence_score: after, metrics_summary: { version: 'after' } })).toBe(replaced);
    expect((await entry())?.metrics_summary).toEqual({ version: replaced ? 'after' : 'before' });
  });

  test('an entry that was invalidated or has expired is replaced by any result and holds again', async () => {
    await upsert({ confidence_score: 0.9 });
    expect(await invalidateCacheEntry(results(), { cacheKey, reason: 'artifact_missing' })).toBe(true);
    expect(await invalidateCacheEntry(results(), { cacheKey, reason: 'again' })).toBe(false);
    expect(await entry()).toMatchObject({ invalidated_reason: 'artifact_missing' });
    expect(await upsert({ expires_at: new Date(Date.now() - 1000) })).toBe(true);
    expect(await entry()).toMatchObject({ invalidated_at: null, invalidated_reason: null, confidence_score: null });
    expect(await upsert({ confidence_score: 0.1, expires_at: null })).toBe(true);
    expect(await entry()).toMatchObject({ expires_at: null, confidence_score: 0.1 });
  });

  test('a replaced entry keeps its hits and its pin', async () => {
    await upsert({ confidence_score: 0.1 });
    await touchCacheEntries(results(), { cacheKeys: [cacheKey, cacheKey, 'no such key'] });
    await touchCacheEntries(results(), { cacheKeys: [] });
    await updateCacheEntry(results(), { cacheKey, pinned: true });
    expect(await upsert({ confidence_score: 0.2 })).toBe(true);
    expect(await entry()).toMatchObject({ hit_count: 1, pinned: true, confidence_score: 0.2 });
  });

  test('pin and expiry are set apart from each other', async () => {
    await upsert();
    const expiresAt = new Date('2030-01-01T00:00:00Z');
    await updateCacheEntry(results(), { cacheKey, expiresAt });
    expect(await updateCacheEntry(results(), { cacheKey, pinned: true })).toMatchObject({
      pinned: true,
      expires_at: expiresAt,
    });
    expect(await updateCacheEntry(results(), { cacheKey, expiresAt: null })).toMatchObject({
      pinned: true,
      expires_at: null,
    });
    expect(await updateCacheEntry(results(), { cacheKey })).toMatchObject({ pinned: true });
    expect(await updateCacheEntry(results(), { cacheKey: 'no such key', pinned: true })).toBeUndefined();
  });

  test('many keys are found in one statement', async () => {
    const cacheKeys = Array.from({ length: 3 }, () => newId());
    for (const cache_key of cacheKeys) await upsert({ cache_key });
    const found = await findCacheEntries(results(), { cacheKeys: [...cacheKeys, '{quoted, "key"}'] });
    expect(found.map((row) => row.cache_key).sort()).toEqual(cacheKeys);
    expect(await findCacheEntries(results(), { cacheKeys: [] })).toEqual([]);
  });

  test('entries are listed by page and deleted', async () => {
    const task_name = newId();
    const cacheKeys = Array.from({ length: 5 }, () => newId());
    for (const cache_key of cacheKeys) await upsert({ cache_key, task_name });
    const first = await listCacheEntries(results(), { taskName: task_name, limit: 3 });
    const second = await listCacheEntries(results(), { taskName: task_name, limit: 3, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((row) => row.cache_key)).toEqual(cacheKeys);
    expect(second.nextCursor).toBeUndefined();
    expect((await listCacheEntries(results(), { canonicalJobId: jobId })).items).toHaveLength(5);
    expect((await listCacheEntries(results(), { canonicalJobId: jobId, pinned: true })).items).toEqual([]);
    expect(await deleteCacheEntry(results(), { cacheKey: cacheKeys[0] ?? '' })).toBe(true);
    expect(await deleteCacheEntry(results(), { cacheKey: cacheKeys[0] ?? '' })).toBe(false);
  });

  test('a key is computed by one owner, until it releases the flight or its lease runs out', async () => {
    const claim = (leaseMs = LEASE_MS) => claimCacheFlight(results(), { cacheKey, owner: 'w', jobId, leaseMs });
    const first = await claim();
    expect(await claim()).toBeUndefined();
    expect(await findCacheFlight(results(), { cacheKey })).toMatchObject({
      owner: 'w',
      job_id: jobId,
      fence: first?.fence,
    });
    expect(await releaseCacheFlight(results(), { cacheKey, fence: first?.fence ?? 0 })).toBe(true);
    expect(await findCacheFlight(results(), { cacheKey })).toBeUndefined();

    const second = await claim(1);
    await setTimeout(5);
    const third = await claim();
    const fences = [first, second, third].map((flight) => flight?.fence ?? 0);
    expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    expect(new Set(fences).size).toBe(3);
    const stale = { cacheKey, fence: second?.fence ?? 0 };
    expect(await renewCacheFlight(results(), { ...stale, leaseMs: LEASE_MS })).toBe(false);
    expect(await releaseCacheFlight(results(), stale)).toBe(false);
    expect(await renewCacheFlight(results(), { cacheKey, fence: third?.fence ?? 0, leaseMs: LEASE_MS })).toBe(true);
  });
});

test('of many connections that claim one key exactly one is given it; many that touch the same entries never deadlock', async () => {
  await using database = await createPostgresDatabase(resultsTemplate);
  const results = openResultsDatabase(database.db, { schema: SCHEMA });
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      claimCacheFlight(results, { cacheKey: 'k', owner: `w${i}`, leaseMs: LEASE_MS }),
    ),
  );
  expect(claims.filter((flight) => flight !== undefined)).toHaveLength(1);

  const canonical_job_id = await insertTestJob(results);
  const cacheKeys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  const entries = cacheKeys.map((cache_key) => ({
    cache_key,
    pipeline_version: 'dock@1',
    task_name: 'dock',
    canonical_job_id,
  }));
  await results.insertInto('result_cache').values(entries).execute();
  const shuffled = () => cacheKeys.toSorted(() => Math.random() - 0.5);
  await Promise.all(Array.from({ length: 40 }, () => touchCacheEntries(results, { cacheKeys: shuffled() })));
  expect((await findCacheEntries(results, { cacheKeys })).map((row) => row.hit_count)).toEqual(cacheKeys.map(() => 40));
});
