import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArtifactStore,
  createLocalArtifactStore,
  type Determinism,
  formatArtifactUri,
  type JsonObject,
  type NewCacheEntry,
  newId,
  type ResultsDatabase,
} from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResultCache, type ResultCacheOptions } from '../src/index.ts';

export interface OpenedResults extends AsyncDisposable {
  readonly results: ResultsDatabase;
}

const orgId = newId();

/** What a result cache promises, on whichever database. */
export function describeResultCache(open: () => Promise<OpenedResults>): void {
  let opened: OpenedResults;
  let folder: string;
  let artifacts: ArtifactStore;
  beforeAll(async () => {
    opened = await open();
    folder = await mkdtemp(join(tmpdir(), 'mad-cache-'));
    artifacts = createLocalArtifactStore({ folder });
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  let seed = 0;
  /** A cache and one question that nobody asked before. */
  function ask({
    determinism = 'seeded',
    ...options
  }: Partial<ResultCacheOptions> & { determinism?: Determinism } = {}) {
    const cache = createResultCache({ artifacts, ...options });
    const task = {
      taskKey: 'dock',
      version: '1.0.0',
      interfaceDigest: 'a'.repeat(64),
      producer: 'image',
      determinism,
      ignoredPointers: [],
    };
    const identity = cache.identifyStep({ task, request: { seed: ++seed } });
    const find = (lookup: { minConfidence?: number; acceptStochastic?: boolean } = {}) =>
      cache.find(opened.results, { orgId, cacheKey: identity.cacheKey, ...lookup });
    const record = async (result: Partial<NewCacheEntry> = {}) => {
      const canonicalJobId = newId();
      await opened.results.transaction().execute(async (tx) => {
        await tx.insertInto('jobs').values({ job_id: canonicalJobId, pipeline_version: 'docking@1.0.0' }).execute();
        await cache.record(tx, { ...entryOf(identity), canonicalJobId, ...result });
      });
      return canonicalJobId;
    };
    const row = () =>
      opened.results
        .selectFrom('result_cache')
        .selectAll()
        .where('cache_key', '=', identity.cacheKey)
        .executeTakeFirstOrThrow();
    return { cache, identity, find, record, row };
  }

  async function store(content: string) {
    const { digest } = await artifacts.put(orgId, content);
    const names = await readdir(folder, { recursive: true });
    return {
      uri: formatArtifactUri({ orgId, digest }),
      file: join(folder, names.find((name) => name.endsWith(digest)) ?? ''),
    };
  }

  test('what was recorded is found again, by whoever asks the same, and the hit is counted', async () => {
    const { find, record, row, identity } = ask();
    expect(await find()).toEqual({ outcome: 'miss', reason: 'no_entry' });
    const { uri } = await store('poses');
    const canonicalJobId = await record({ artifactMap: { poses: uri }, confidenceScore: 0.8 });
    const before = await row();
    expect(await find({ minConfidence: 0.8 })).toEqual({
      outcome: 'hit',
      canonicalJobId,
      taskName: 'dock',
      confidenceScore: 0.8,
    });
    await find();
    const after = await row();
    expect(after).toMatchObject({
      hit_count: 2,
      input_signature: identity.inputSignature,
      artifact_map: { poses: uri },
      producer: { image: 'vina' },
    });
    expect(after.key_components).toEqual(JSON.parse(JSON.stringify(identity.keyComponents)));
    expect(Number(after.compute_ms)).toBe(76_001);
    expect(after.last_used_at.getTime()).toBeGreaterThanOrEqual(before.last_used_at.getTime());
  });

  test('an entry is served only to those whose confidence it meets; not scored meets none', async () => {
    const scored = ask();
    await scored.record({ confidenceScore: 0.41 });
    expect(await scored.find({ minConfidence: 0.6 })).toEqual({ outcome: 'miss', reason: 'low_confidence' });
    expect(await scored.find({ minConfidence: 0.41 })).toMatchObject({ outcome: 'hit' });
    const unscored = ask();
    await unscored.record({ confidenceScore: null });
    expect(await unscored.find({ minConfidence: 0 })).toEqual({ outcome: 'miss', reason: 'low_confidence' });
    expect(await unscored.find()).toMatchObject({ outcome: 'hit', confidenceScore: null });
  });

  test('only a result of better confidence becomes the canonical one', async () => {
    const { find, record } = ask();
    const first = await record({ confidenceScore: 0.5 });
    await record({ confidenceScore: 0.5 });
    await record({ confidenceScore: null });
    expect(await find()).toMatchObject({ canonicalJobId: first });
    const better = await record({ confidenceScore: 0.9 });
    expect(await find()).toMatchObject({ canonicalJobId: better, confidenceScore: 0.9 });
  });

  test('an entry past its age is not served and gives way to any new result', async () => {
    let now = Date.now();
    const clock = { now: () => new Date(now), sleep: async () => {} };
    const { find, record, row } = ask({ clock, maxAgeMs: 1_000 });
    await record({ confidenceScore: 0.9 });
    now += 999;
    expect(await find()).toMatchObject({ outcome: 'hit' });
    now += 1;
    expect(await find()).toEqual({ outcome: 'miss', reason: 'expired' });
    expect((await row()).hit_count).toBe(1);
  });

  test.each([
    ['gone', (file: string) => rm(file)],
    ['altered by one byte', (file: string) => writeFile(file, 'Poses')],
    ['cut', (file: string) => writeFile(file, 'pos')],
  ])('an entry whose artifact is %s is never served again, until a new result replaces it', async (_what, harm) => {
    const { find, record, row } = ask();
    const { uri, file } = await store(`poses`);
    const log = await store(`log ${seed}`);
    await record({ artifactMap: { log: log.uri, poses: uri }, confidenceScore: 0.9 });
    await harm(file);
    expect(await find()).toEqual({ outcome: 'miss', reason: 'artifact_missing' });
    expect(await row()).toMatchObject({ invalidated_reason: 'artifact_missing', hit_count: 0 });
    await rm(file, { force: true });
    await store('poses');
    expect(await find(), 'the file came back, the doubt stays').toEqual({ outcome: 'miss', reason: 'invalidated' });
    const canonicalJobId = await record({ artifactMap: { poses: uri }, confidenceScore: null });
    expect(await find()).toMatchObject({ outcome: 'hit', canonicalJobId });
  });

  test('an entry that names an artifact of another organization, or none at all, is not served', async () => {
    const otherOrgId = newId();
    const { digest } = await artifacts.put(otherOrgId, 'shared bytes');
    await artifacts.put(orgId, 'shared bytes');
    for (const uri of [formatArtifactUri({ orgId: otherOrgId, digest }), 'https://example.org/poses.pdbqt']) {
      const { find, record } = ask();
      await record({ artifactMap: { poses: uri } });
      expect(await find()).toEqual({ outcome: 'miss', reason: 'artifact_missing' });
    }
  });

  test('a storage that fails is an error of its own and condemns no entry', async () => {
    const failing: ArtifactStore = { ...artifacts, get: () => Promise.reject(new Error('storage is down')) };
    const { find, record, row } = ask({ artifacts: failing });
    const { uri } = await store('kept');
    await record({ artifactMap: { poses: uri } });
    await expect(find()).rejects.toThrow('storage is down');
    expect((await row()).invalidated_at).toBeNull();
  });

  test('results that no run repeats are served only to those who accept them', async () => {
    for (const determinism of ['stochastic', 'external'] as const) {
      const { find, record } = ask({ determinism });
      await record();
      expect(await find()).toEqual({ outcome: 'miss', reason: 'not_repeatable' });
      expect(await find({ acceptStochastic: true })).toMatchObject({ outcome: 'hit' });
    }
    const { find, record } = ask({ determinism: 'exact' });
    await record();
    expect(await find()).toMatchObject({ outcome: 'hit' });
  });

  test('an entry goes with its canonical job', async () => {
    const { find, record } = ask();
    const canonicalJobId = await record();
    await opened.results.deleteFrom('jobs').where('job_id', '=', canonicalJobId).execute();
    expect(await find()).toEqual({ outcome: 'miss', reason: 'no_entry' });
  });

  test('what a transaction recorded goes with its rollback', async () => {
    const { cache, identity, find } = ask();
    const rolledBack = opened.results.transaction().execute(async (tx) => {
      const canonicalJobId = newId();
      await tx.insertInto('jobs').values({ job_id: canonicalJobId, pipeline_version: 'docking@1.0.0' }).execute();
      await cache.record(tx, { ...entryOf(identity), canonicalJobId });
      throw new Error('the commit failed');
    });
    await expect(rolledBack).rejects.toThrow('the commit failed');
    expect(await find()).toEqual({ outcome: 'miss', reason: 'no_entry' });
  });

  test('a new salt leaves all earlier entries behind', async () => {
    const { identity, record } = ask();
    await record();
    const salted = createResultCache({ artifacts, salt: 'engine recalled' });
    const task = {
      taskKey: 'dock',
      version: '1.0.0',
      interfaceDigest: 'a'.repeat(64),
      producer: 'image',
      determinism: 'seeded' as const,
      ignoredPointers: [],
    };
    const { cacheKey } = salted.identifyStep({ task, request: { seed } });
    expect(cacheKey).not.toBe(identity.cacheKey);
    expect(await salted.find(opened.results, { orgId, cacheKey })).toEqual({ outcome: 'miss', reason: 'no_entry' });
  });
}

function entryOf(identity: NewCacheEntry['identity']): Omit<NewCacheEntry, 'canonicalJobId'> {
  const metricsSummary: JsonObject = { best_affinity: -9.7 };
  return {
    identity,
    pipelineVersion: 'docking@1.0.0',
    taskName: 'dock',
    confidenceScore: null,
    artifactMap: {},
    metricsSummary,
    producer: { image: 'vina' },
    computeMs: 76_000.7,
  };
}
