import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArtifactStore,
  type CacheMissReason,
  type CacheQuestion,
  type Determinism,
  formatArtifactUri,
  inOrganization,
  type JsonObject,
  type Logger,
  listAuditLogs,
  listCacheEvents,
  type NewCacheEntry,
  newId,
  silentLogger,
  type TaskIdentity,
} from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResultCache, type ResultCacheOptions } from '../src/index.ts';
import type { OpenedCache } from './opened-cache.ts';

const TASK: TaskIdentity = {
  taskKey: 'dock',
  version: '1.0.0',
  interfaceDigest: 'a'.repeat(64),
  producer: 'image',
  determinism: 'seeded',
  architecture: null,
  ignoredPointers: [],
  ignoredAnswerPointers: [],
  contentTypes: {},
};
const SECRET = 'a secret of thirty-two bytes or more';

/** What a test records; the rest is what most results are. */
interface Result extends Partial<NewCacheEntry> {
  readonly resultData?: JsonObject;
  readonly files?: Readonly<Record<string, { readonly uri: string; readonly sizeBytes: number }>>;
}

/** What a result cache promises, on whichever database. */
export function describeResultCache(open: () => Promise<OpenedCache>): void {
  let opened: OpenedCache;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  let seed = 0;
  /** A cache and one question that nobody asked before. */
  async function ask({
    determinism = 'seeded',
    ...options
  }: Partial<ResultCacheOptions> & { determinism?: Determinism } = {}) {
    const { orgId, results, artifacts, metadata } = opened;
    const cache = createResultCache({ artifacts, metadata, secret: SECRET, ...options });
    const identity = await cache.identifyStep({ orgId, task: { ...TASK, determinism }, request: { seed: ++seed } });
    const { cacheKey } = identity;
    const find = (question: Partial<CacheQuestion> & { peek?: boolean } = {}) =>
      cache.find(results, { orgId, cacheKey, ...question });
    const record = async ({ resultData = { affinity: -9.7, seed }, files = {}, ...result }: Result = {}) => {
      const canonicalJobId = newId();
      await results.transaction().execute(async (tx) => {
        await tx.insertInto('jobs').values({ job_id: canonicalJobId, pipeline_version: 'docking@1.0.0' }).execute();
        const row = { job_id: canonicalJobId, task_name: 'dock', service_name: 'vina', schema_version: '1.2.0' };
        await tx
          .insertInto('task_results')
          .values({ ...row, result_data: resultData })
          .execute();
        const entry = { ...entryOf(identity), canonicalJobId, artifacts: files, ...result };
        await cache.record(tx, { orgId, entries: [entry] });
      });
      return canonicalJobId;
    };
    const row = () =>
      results.selectFrom('result_cache').selectAll().where('cache_key', '=', cacheKey).executeTakeFirstOrThrow();
    const edit = (columns: object) =>
      results.updateTable('result_cache').set(columns).where('cache_key', '=', cacheKey).execute();
    const events = async () =>
      (await listCacheEvents(results, { cacheKey })).map(({ event, reason }) => [event, reason]);
    const audits = () =>
      inOrganization(
        metadata,
        orgId,
        async (tx) => (await listAuditLogs(tx, { entityType: 'cache_entry', entityId: cacheKey })).items,
      );
    return { cache, identity, cacheKey, find, record, row, edit, events, audits };
  }

  async function store(content: string) {
    const { orgId, artifacts, folder } = opened;
    const { digest, sizeBytes } = await artifacts.put(orgId, content);
    const names = await readdir(folder, { recursive: true });
    const file = join(folder, names.find((name) => name.endsWith(digest)) ?? '');
    return { named: { uri: formatArtifactUri({ orgId, digest }), sizeBytes }, file, digest };
  }

  /** The store, and how often a file was read from it. */
  function counted() {
    let reads = 0;
    const artifacts: ArtifactStore = {
      ...opened.artifacts,
      get(...given) {
        reads++;
        return opened.artifacts.get(...given);
      },
    };
    return { artifacts, reads: () => reads };
  }

  const miss = (reason: CacheMissReason) => ({ outcome: 'miss', reason });

  test('what was recorded is found again, by whoever asks the same, with the answer; hits are counted later', async () => {
    const { cache, find, record, row, identity } = await ask();
    expect(await find()).toEqual(miss('no_entry'));
    const { named, digest } = await store('poses');
    const resultData = { best: -9.7, note: 'line\nbreak "ü" \u2028', poses: [1.0, 1e-7] };
    const canonicalJobId = await record({
      files: { '/poses': named, '/same': named },
      confidenceScore: 0.8,
      resultData,
    });
    const before = await row();
    const hit = {
      outcome: 'hit',
      canonicalJobId,
      taskName: 'dock',
      confidenceScore: 0.8,
      result: { serviceName: 'vina', schemaVersion: '1.2.0', resultData },
    };
    expect(await find({ minConfidence: 0.8 })).toEqual(hit);
    expect(await find({ peek: true })).toEqual(hit);
    await find();
    await cache.flush();
    const after = await row();
    expect(after).toMatchObject({
      hit_count: 2,
      input_signature: identity.inputSignature,
      artifact_map: { '/poses': named.uri },
      artifact_sizes: { [digest]: 5 },
      determinism: 'seeded',
      producer: { image: 'vina' },
      metrics_summary: { best_affinity: -9.7, input_bytes: 170_000 },
      rerun_wanted_at: null,
    });
    expect(after.key_components).toEqual(JSON.parse(JSON.stringify(identity.keyComponents)));
    expect(Number(after.compute_ms)).toBe(76_001);
    expect(Number(after.size_bytes)).toBeGreaterThan(5);
    expect(after.last_used_at.getTime()).toBeGreaterThanOrEqual(before.last_used_at.getTime());
  });

  test('many are asked for in one call, each answered for itself, in the order asked', async () => {
    const asked = [];
    for (let n = 0; n < 3; n++) asked.push(await ask());
    const [known, damaged, unknown] = asked as [(typeof asked)[0], (typeof asked)[0], (typeof asked)[0]];
    await known.record({ confidenceScore: 0.5 });
    await damaged.record();
    await damaged.edit({ confidence_score: 1 });
    const decisions = await known.cache.findMany(opened.results, {
      orgId: opened.orgId,
      questions: [
        { cacheKey: unknown.cacheKey },
        { cacheKey: known.cacheKey, minConfidence: 0.6 },
        { cacheKey: damaged.cacheKey },
        { cacheKey: known.cacheKey },
        { cacheKey: known.cacheKey },
      ],
    });
    expect(decisions.map((one) => (one.outcome === 'hit' ? 'hit' : one.reason))).toEqual([
      ...['no_entry', 'low_confidence', 'entry_altered', 'hit', 'hit'],
    ]);
    await known.cache.flush();
    expect((await known.row()).hit_count).toBe(2);
    expect(await known.cache.findMany(opened.results, { orgId: opened.orgId, questions: [] })).toEqual([]);
  });

  test('questions of one moment go in one statement', async () => {
    const { find, record } = await ask();
    await record();
    const decisions = await Promise.all(Array.from({ length: 50 }, () => find()));
    expect(new Set(decisions.map(({ outcome }) => outcome))).toEqual(new Set(['hit']));
  });

  test('an entry is served only to those whose confidence it meets; not scored meets none but 0', async () => {
    const scored = await ask();
    await scored.record({ confidenceScore: 0.41 });
    expect(await scored.find({ minConfidence: 0.6 })).toEqual(miss('low_confidence'));
    expect(await scored.find({ minConfidence: 0.41 })).toMatchObject({ outcome: 'hit' });
    const unscored = await ask();
    await unscored.record({ confidenceScore: null });
    expect(await unscored.find({ minConfidence: 0.01 })).toEqual(miss('low_confidence'));
    expect(await unscored.find({ minConfidence: 0 })).toMatchObject({ outcome: 'hit' });
    expect(await unscored.find()).toMatchObject({ outcome: 'hit', confidenceScore: null });
  });

  test('the confidence of the cache holds where who asks names none', async () => {
    const { find, record } = await ask({ minConfidence: 0.6 });
    await record({ confidenceScore: 0.5 });
    expect(await find()).toEqual(miss('low_confidence'));
    expect(await find({ minConfidence: 0.5 })).toMatchObject({ outcome: 'hit' });
  });

  test('only a result of better confidence becomes the canonical one, and what it replaced is kept as history', async () => {
    const { find, record, events, cacheKey } = await ask();
    const first = await record({ confidenceScore: 0.5 });
    await record({ confidenceScore: 0.5 });
    await record({ confidenceScore: null });
    expect(await find()).toMatchObject({ canonicalJobId: first });
    expect(await events()).toEqual([]);
    const better = await record({ confidenceScore: 0.9 });
    expect(await find()).toMatchObject({ canonicalJobId: better, confidenceScore: 0.9 });
    const [event] = await listCacheEvents(opened.results, { cacheKey });
    expect(event).toMatchObject({
      event: 'RECORDED_BETTER',
      canonical_job_id: first,
      confidence_score: 0.5,
      metadata: { job_id: better },
    });
  });

  test('equal requests that end together are one entry, of the best of them', async () => {
    const { cache, identity, find } = await ask();
    const { orgId, results } = opened;
    const jobIds = [newId(), newId(), newId()];
    await results.transaction().execute(async (tx) => {
      for (const job_id of jobIds) {
        await tx.insertInto('jobs').values({ job_id, pipeline_version: 'docking@1.0.0' }).execute();
        await tx.insertInto('task_results').values({ job_id, task_name: 'dock' }).execute();
      }
      const scores = [0.2, 0.7, null];
      const entries = jobIds.map((canonicalJobId, n) => ({
        ...entryOf(identity),
        canonicalJobId,
        confidenceScore: scores[n] ?? null,
      }));
      await cache.record(tx, { orgId, entries });
    });
    expect(await find()).toMatchObject({ canonicalJobId: jobIds[1], confidenceScore: 0.7 });
  });

  test('an entry past its age is not served, by the clock of the database, and gives way to any new result', async () => {
    const { find, record, row, edit, events } = await ask({ maxAgeMs: 60_000 });
    await record({ confidenceScore: 0.9 });
    const { created_at, expires_at } = await row();
    expect((expires_at?.getTime() ?? 0) - created_at.getTime()).toBe(60_000);
    expect(await find()).toMatchObject({ outcome: 'hit' });
    await edit({ expires_at: new Date(Date.now() - 1_000) });
    expect(await find()).toEqual(miss('expired'));
    await edit({ pinned: true });
    expect(await find(), 'a pinned one does not age').toMatchObject({ outcome: 'hit' });
    await edit({ pinned: false });
    const canonicalJobId = await record({ confidenceScore: 0.1 });
    expect(await find()).toMatchObject({ canonicalJobId });
    expect(await events()).toEqual([['RECORDED_ANEW', 'expired']]);
  });

  test('use moves the expiry of an entry that slides, by a tenth at least and never past its greatest age', async () => {
    const { cache, find, record, row, edit } = await ask({ slidingMs: 60_000, maxAgeMs: 100_000 });
    await record();
    const lasts = async () => {
      const { expires_at, created_at } = await row();
      return ((expires_at?.getTime() ?? 0) - created_at.getTime()) / 1_000;
    };
    expect(await lasts()).toBe(60);
    await find();
    await cache.flush();
    expect(await lasts(), 'too little to be worth a write of the index').toBe(60);
    await edit({ created_at: new Date(Date.now() - 50_000), expires_at: new Date(Date.now() + 10_000) });
    await find();
    await cache.flush();
    expect(await lasts()).toBeCloseTo(100, 0);
  });

  test.each<[CacheMissReason, string, (file: string) => Promise<void>]>([
    ['artifact_missing', 'gone', (file) => rm(file)],
    ['artifact_altered', 'altered by one byte', (file) => writeFile(file, 'Poses')],
    ['artifact_altered', 'cut', (file) => writeFile(file, 'pos')],
  ])(
    '%s: an entry whose file is %s is never served again, until a new result replaces it',
    async (reason, _what, harm) => {
      const { find, record, row, events, audits } = await ask();
      const poses = await store('poses');
      const log = await store(`log ${seed}`);
      await record({ files: { log: log.named, poses: poses.named }, confidenceScore: 0.9 });
      await harm(poses.file);
      expect(await find()).toEqual(miss(reason));
      expect(await row()).toMatchObject({ invalidated_reason: reason, hit_count: 0, seal: null });
      expect(await events()).toEqual([['QUARANTINED', reason]]);
      expect((await audits()).map(({ action, metadata }) => [action, metadata.reason, metadata.output])).toEqual([
        ['cache.quarantine', reason, 'poses'],
      ]);
      await store('poses');
      expect(await find(), 'the file came back, the doubt stays').toEqual(miss('quarantined'));
      await writeFile(poses.file, 'poses');
      const canonicalJobId = await record({ files: { poses: poses.named }, confidenceScore: null });
      expect(await find()).toMatchObject({ outcome: 'hit', canonicalJobId });
    },
  );

  test('a file that is altered after it was served is noticed, also when its size and its times are put back', async () => {
    // Ten seconds on: what was stored just now is settled.
    const clock = { now: () => new Date(Date.now() + 10_000), sleep: async () => {} };
    const { artifacts, reads } = counted();
    const { find, record } = await ask({ artifacts, clock, rehashRate: 0 });
    const { named, file } = await store('bytes that stay for a while');
    await record({ files: { poses: named } });
    for (let n = 0; n < 5; n++) expect(await find()).toMatchObject({ outcome: 'hit' });
    expect(reads(), 'what is known is not read again').toBe(1);
    const then = new Date(Date.now() - 3_600_000);
    await utimes(file, then, then);
    expect(await find()).toMatchObject({ outcome: 'hit' });
    expect(reads()).toBe(2);
    await writeFile(file, 'bytes that stay for a While');
    await utimes(file, then, then);
    expect(await find()).toEqual(miss('artifact_altered'));
  });

  test('a file that was stored a moment ago is read each time, and so is a sampled share', async () => {
    const { artifacts, reads } = counted();
    const fresh = await ask({ artifacts, rehashRate: 0 });
    await fresh.record({ files: { poses: (await store('fresh')).named } });
    for (let n = 0; n < 3; n++) await fresh.find();
    expect(reads()).toBe(3);
    const clock = { now: () => new Date(Date.now() + 10_000), sleep: async () => {} };
    const sampled = await ask({ artifacts, clock, rehashRate: 1 });
    await sampled.record({ files: { poses: (await store('sampled')).named } });
    for (let n = 0; n < 3; n++) await sampled.find();
    expect(reads()).toBe(6);
  });

  test('an entry that names a file of another organization, or none at all, is not served', async () => {
    const otherOrgId = newId();
    const { digest, sizeBytes } = await opened.artifacts.put(otherOrgId, 'shared bytes');
    await opened.artifacts.put(opened.orgId, 'shared bytes');
    for (const uri of [formatArtifactUri({ orgId: otherOrgId, digest }), 'https://example.org/poses.pdbqt']) {
      const { find, record } = await ask();
      await record({ files: { poses: { uri, sizeBytes } } });
      expect(await find()).toEqual(miss('artifact_missing'));
    }
  });

  test('a storage that fails serves nothing and condemns no entry; for a while after it every file is read', async () => {
    let isDown = false;
    const { artifacts: files, reads } = counted();
    const clock = { now: () => new Date(Date.now() + 10_000), sleep: async () => {} };
    const artifacts: ArtifactStore = {
      ...files,
      head: (...given) => (isDown ? Promise.reject(new Error('storage is down')) : files.head(...given)),
    };
    const { find, record, row, events } = await ask({ artifacts, clock, rehashRate: 0 });
    await record({ files: { poses: (await store('kept')).named } });
    await find();
    await find();
    expect(reads()).toBe(1);
    isDown = true;
    expect(await find()).toMatchObject({ outcome: 'miss' });
    expect((await row()).invalidated_at).toBeNull();
    expect(await events()).toEqual([]);
    isDown = false;
    await find();
    expect(await find()).toMatchObject({ outcome: 'hit' });
    expect(reads()).toBe(3);
  });

  test.each<[string, CacheMissReason, object]>([
    ['confidence', 'entry_altered', { confidence_score: 0.99 }],
    ['determinism', 'entry_altered', { determinism: 'exact' }],
    ['producer', 'entry_altered', { producer: { image: 'other' } }],
    ['artifact map', 'entry_altered', { artifact_map: {} }],
    ['sizes', 'entry_altered', { artifact_sizes: { x: 1 } }],
    ['input signature', 'entry_altered', { input_signature: 'x' }],
    ['content digest', 'entry_altered', { content_digest: 'f'.repeat(64) }],
    ['seal', 'entry_altered', { seal: `1.${'A'.repeat(43)}` }],
    ['lost seal', 'entry_altered', { seal: null }],
  ])('an entry whose %s was edited is quarantined', async (_column, reason, columns) => {
    const { find, record, edit, row, audits } = await ask();
    await record({ files: { poses: (await store('sealed')).named }, confidenceScore: 0.4 });
    expect(await find()).toMatchObject({ outcome: 'hit' });
    await edit(columns);
    expect(await find()).toEqual(miss(reason));
    expect(await row()).toMatchObject({ invalidated_reason: reason });
    expect(await audits()).toHaveLength(1);
    await edit({ invalidated_at: null, invalidated_reason: null });
    expect(await find(), 'its seal does not come back with its service').toEqual(miss('entry_altered'));
  });

  test('a result that names a file without a true size is not kept, and the rest of its transaction is', async () => {
    const { named } = await store('of no true size');
    for (const sizeBytes of [1.5, 1e30, -1, Number.NaN, '15', undefined] as readonly number[]) {
      const warned: string[] = [];
      const logger = { ...silentLogger, warn: (_: object, text: string) => void warned.push(text) };
      const { find, record } = await ask({ logger });
      const jobId = await record({ files: { poses: { ...named, sizeBytes } } });
      expect(await find(), String(sizeBytes)).toEqual({ outcome: 'miss', reason: 'no_entry' });
      expect(warned, String(sizeBytes)).toEqual([expect.stringContaining('without their sizes')]);
      const kept = opened.results.selectFrom('task_results').selectAll().where('job_id', '=', jobId);
      expect(await kept.execute(), String(sizeBytes)).toHaveLength(1);
    }
  });

  test('an entry that was pointed at another job is not served', async () => {
    const [one, other] = [await ask(), await ask()];
    const canonical_job_id = await other.record({ confidenceScore: 0.9 });
    await one.record();
    await one.edit({ canonical_job_id });
    expect(await one.find()).toEqual(miss('entry_altered'));
    const { seal, content_digest } = await other.row();
    await one.edit({ invalidated_at: null, invalidated_reason: null, seal, content_digest, canonical_job_id });
    expect(await one.find(), 'the seal of one entry is no seal of another').toEqual(miss('entry_altered'));
  });

  test.each([
    ['answer', { result_data: { affinity: -12 } }],
    ['service', { service_name: 'smina' }],
    ['schema', { schema_version: null }],
  ])('an entry whose %s was edited where it lies is quarantined', async (_what, columns) => {
    const { find, record } = await ask();
    const job_id = await record({ resultData: { affinity: -9 } });
    await opened.results
      .updateTable('task_results')
      .set(columns as object)
      .where('job_id', '=', job_id)
      .execute();
    expect(await find()).toEqual(miss('result_altered'));
    expect(await find()).toEqual(miss('quarantined'));
    expect(await find({ acceptStochastic: true })).toEqual(miss('quarantined'));
  });

  test('a whole job is served while its rows are what they were: results, files, poses, and that it was completed', async () => {
    const { results } = opened;
    const { named } = await store('job poses');
    const harms: Readonly<Record<string, (jobId: string) => Promise<unknown>>> = {
      none: async () => {},
      result: (job_id) =>
        results
          .updateTable('task_results')
          .set({ result_data: { x: 2 } })
          .where('job_id', '=', job_id)
          .execute(),
      confidence: (job_id) =>
        results
          .updateTable('task_results')
          .set({ confidence_score: 0.50000000000000011 })
          .where('job_id', '=', job_id)
          .execute(),
      another: (job_id) => results.insertInto('task_results').values({ job_id, task_name: 'more' }).execute(),
      output: (job_id) => results.updateTable('job_outputs').set({ key: 'log' }).where('job_id', '=', job_id).execute(),
      pose: (job_id) =>
        results
          .updateTable('docking_results')
          .set({ affinity: -9.700000000000003 })
          .where('job_id', '=', job_id)
          .execute(),
      'lost pose': (job_id) => results.deleteFrom('docking_results').where('job_id', '=', job_id).execute(),
    };
    for (const [what, harm] of Object.entries(harms)) {
      const { cache, identity, find } = await ask();
      const job_id = newId();
      await results.transaction().execute(async (tx) => {
        await tx
          .insertInto('jobs')
          .values({ job_id, pipeline_version: 'docking@1.0.0', status: 'COMPLETED' })
          .execute();
        await tx
          .insertInto('task_results')
          .values({ job_id, task_name: 'dock', confidence_score: 0.5, result_data: { x: 1 } })
          .execute();
        await tx.insertInto('job_outputs').values({ job_id, key: 'poses', uri: named.uri }).execute();
        await tx.insertInto('docking_results').values({ job_id, pose_rank: 1, affinity: -9.700000000000001 }).execute();
        const entry = { ...entryOf(identity), taskName: '*', canonicalJobId: job_id, artifacts: { poses: named } };
        await cache.record(tx, { orgId: opened.orgId, entries: [entry] });
      });
      await harm(job_id);
      const decision = await find();
      if (what === 'none')
        expect(decision).toEqual({
          outcome: 'hit',
          canonicalJobId: job_id,
          taskName: '*',
          confidenceScore: null,
          result: null,
        });
      else expect(decision, what).toEqual(miss('result_altered'));
    }
  });

  test('many who find the same damage at once tell it once', async () => {
    const warnings: object[] = [];
    const logger: Logger = { debug() {}, info() {}, error() {}, warn: (facts) => void warnings.push(facts) };
    const { cache, record, edit, cacheKey, events, audits } = await ask({ logger });
    await record();
    await edit({ producer: { forged: true } });
    const lookUp = () => cache.findMany(opened.results, { orgId: opened.orgId, questions: [{ cacheKey }] });
    await Promise.all(Array.from({ length: 10 }, lookUp));
    expect(await events()).toEqual([['QUARANTINED', 'entry_altered']]);
    expect(await audits()).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });

  test('damage that cannot be written down is a miss all the same', async () => {
    const errors: object[] = [];
    const logger: Logger = { debug() {}, info() {}, warn() {}, error: (facts) => void errors.push(facts) };
    const { find, record, edit } = await ask({ logger, metadata: {} as OpenedCache['metadata'] });
    await record();
    await edit({ confidence_score: 1 });
    expect(await find()).toEqual(miss('entry_altered'));
    expect(errors).toHaveLength(1);
    expect(await find()).toEqual(miss('quarantined'));
  });

  test('hits that cannot be counted are lost, and only the log is told', async () => {
    const warnings: object[] = [];
    const logger: Logger = { debug() {}, info() {}, error() {}, warn: (facts) => void warnings.push(facts) };
    const { cache, find, record, row } = await ask({ logger });
    await record();
    expect(await find()).toMatchObject({ outcome: 'hit' });
    await opened.results.schema.alterTable('result_cache').renameColumn('hit_count', 'hits').execute();
    await cache.flush();
    await opened.results.schema.alterTable('result_cache').renameColumn('hits', 'hit_count').execute();
    expect(warnings).toHaveLength(1);
    expect(await row()).toMatchObject({ hit_count: 0 });
  });

  test('another secret serves nothing of the first, and quarantines nothing', async () => {
    const { record, identity, row } = await ask();
    await record();
    const { results, orgId, artifacts, metadata } = opened;
    for (const secret of [undefined, 'another secret of thirty-two bytes']) {
      const cache = createResultCache({ artifacts, metadata, secret });
      expect(await cache.find(results, { orgId, cacheKey: identity.cacheKey })).toEqual(miss('invalidated'));
    }
    expect(await row()).toMatchObject({ invalidated_at: null });
  });

  test('an entry of another organization’s key is no entry of this one', async () => {
    const { record, cache, cacheKey } = await ask();
    await record();
    expect(await cache.find(opened.results, { orgId: newId(), cacheKey })).toEqual(miss('invalidated'));
  });

  test('results that no run repeats are served only to those who accept them', async () => {
    for (const determinism of ['stochastic', 'external'] as const) {
      const { find, record } = await ask({ determinism });
      await record();
      expect(await find()).toEqual(miss('not_repeatable'));
      expect(await find({ acceptStochastic: true })).toMatchObject({ outcome: 'hit' });
    }
    const { find, record } = await ask({ determinism: 'exact' });
    await record();
    expect(await find()).toMatchObject({ outcome: 'hit' });
  });

  test('a repeatable result that comes out otherwise puts both out of service; the next one starts anew', async () => {
    const { find, record, row, events, cacheKey } = await ask();
    const first = await record({ resultData: { affinity: -9.7 }, confidenceScore: 0.9 });
    const second = await record({ resultData: { affinity: -9.6 }, confidenceScore: 1 });
    expect(await find()).toEqual(miss('drifted'));
    expect(await row()).toMatchObject({ canonical_job_id: first, confidence_score: 0, seal: null });
    expect(await events()).toEqual([['DRIFTED', 'drifted']]);
    const [event] = await listCacheEvents(opened.results, { cacheKey });
    expect(event).toMatchObject({ canonical_job_id: first, confidence_score: 0.9, metadata: { job_id: second } });
    const third = await record({ resultData: { affinity: -9.6 }, confidenceScore: 0.1 });
    expect(await find()).toMatchObject({ canonicalJobId: third });
  });

  test('no drift: equal answers, what differs from run to run, drawn seeds, results that nobody repeats, an entry that was edited', async () => {
    const same = await ask();
    await same.record({ resultData: { a: 1.0, b: { c: [1] } } });
    await same.record({ resultData: { b: { c: [1] }, a: 1 } });
    expect(await same.find()).toMatchObject({ outcome: 'hit' });
    const logged = await ask();
    const ignoredAnswerPointers = ['/log', '/runs/0/ended'];
    await logged.record({ resultData: { a: 1, log: 'x', runs: [{ ended: 1 }] }, ignoredAnswerPointers });
    await logged.record({ resultData: { a: 1, runs: [{ ended: 2 }] }, ignoredAnswerPointers });
    expect(await logged.find()).toMatchObject({ outcome: 'hit' });
    await logged.record({ resultData: { a: 2, log: 'x', runs: [{ ended: 1 }] }, ignoredAnswerPointers });
    expect(await logged.find()).toEqual(miss('drifted'));
    const drawn = await ask();
    await drawn.record({ resultData: { a: 1 }, producer: { seed: 1 } });
    await drawn.record({ resultData: { a: 2 }, producer: { seed: 2 } });
    expect(await drawn.find()).toMatchObject({ outcome: 'hit' });
    const stochastic = await ask({ determinism: 'stochastic' });
    await stochastic.record({ resultData: { a: 1 } });
    await stochastic.record({ resultData: { a: 2 }, confidenceScore: 0.5 });
    expect(await stochastic.find({ acceptStochastic: true })).toMatchObject({ confidenceScore: 0.5 });
    const edited = await ask();
    const job_id = await edited.record({ resultData: { a: 1 } });
    await opened.results
      .updateTable('task_results')
      .set({ result_data: { a: 9 } })
      .where('job_id', '=', job_id)
      .execute();
    const canonicalJobId = await edited.record({ resultData: { a: 1 } });
    expect(await edited.find()).toMatchObject({ canonicalJobId });
  });

  test('with a step that drifted goes the whole job that serves it, and the job that found it is not recorded as a whole', async () => {
    const [step, whole] = [await ask(), await ask()];
    const { results, orgId } = opened;
    const first = await step.record({ resultData: { a: 1 } });
    const asWhole = (canonicalJobId: string) =>
      results.transaction().execute((tx) =>
        step.cache.record(tx, {
          orgId,
          entries: [{ ...entryOf(whole.identity), taskName: '*', canonicalJobId, artifacts: {} }],
        }),
      );
    await asWhole(first);
    expect(await whole.find()).toMatchObject({ outcome: 'hit' });
    const second = await step.record({ resultData: { a: 2 } });
    expect(await whole.find()).toEqual(miss('drifted'));
    await asWhole(second);
    expect(await whole.find()).toEqual(miss('drifted'));
  });

  test('a sampled share of the hits is marked to be computed again', async () => {
    const { cache, find, record, row } = await ask({ verifyRate: 1 });
    await record();
    await find({ peek: true });
    await cache.flush();
    expect((await row()).rerun_wanted_at).toBeNull();
    await find();
    await cache[Symbol.asyncDispose]();
    expect((await row()).rerun_wanted_at).toBeInstanceOf(Date);
  });

  test('an entry goes with its canonical job', async () => {
    const { find, record } = await ask();
    const canonicalJobId = await record();
    await opened.results.deleteFrom('jobs').where('job_id', '=', canonicalJobId).execute();
    expect(await find()).toEqual(miss('no_entry'));
  });

  test('what a transaction recorded goes with its rollback, and a result without its rows is none', async () => {
    const { cache, identity, find } = await ask();
    const { orgId, results } = opened;
    const write = (task_name: string, fail: boolean) =>
      results.transaction().execute(async (tx) => {
        const canonicalJobId = newId();
        await tx.insertInto('jobs').values({ job_id: canonicalJobId, pipeline_version: 'docking@1.0.0' }).execute();
        await tx.insertInto('task_results').values({ job_id: canonicalJobId, task_name }).execute();
        await cache.record(tx, { orgId, entries: [{ ...entryOf(identity), canonicalJobId, artifacts: {} }] });
        if (fail) throw new Error('the commit failed');
      });
    await expect(write('dock', true)).rejects.toThrow('the commit failed');
    expect(await find()).toEqual(miss('no_entry'));
    await write('another step', false);
    expect(await find()).toEqual(miss('no_entry'));
  });

  test('a new salt leaves all earlier entries behind', async () => {
    const { identity, record } = await ask();
    await record();
    const { orgId, results, artifacts, metadata } = opened;
    const salted = createResultCache({ artifacts, metadata, salt: 'engine recalled' });
    const { cacheKey } = await salted.identifyStep({ orgId, task: TASK, request: { seed } });
    expect(cacheKey).not.toBe(identity.cacheKey);
    expect(await salted.find(results, { orgId, cacheKey })).toEqual(miss('no_entry'));
  });
}

function entryOf(identity: NewCacheEntry['identity']): Omit<NewCacheEntry, 'canonicalJobId'> {
  return {
    identity,
    pipelineVersion: 'docking@1.0.0',
    taskName: 'dock',
    confidenceScore: null,
    artifacts: {},
    metricsSummary: { best_affinity: -9.7 },
    producer: { image: 'vina' },
    computeMs: 76_000.7,
    inputBytes: 170_000,
    ignoredAnswerPointers: [],
  };
}
