import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ConflictError,
  formatArtifactUri,
  formatMoleculeUri,
  inOrganization,
  insertMolecule,
  type JobMessage,
  listJobsMeta,
  newId,
  type Platform,
  publishPipeline,
  type SubmitJob,
  submitJob,
  submitJobs,
} from '../../src/index.ts';
import { createMemoryCache } from '../executor/memory-cache.ts';
import { createTestTasks, ORG_ID, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

const NEVER = '0195d0c0-0000-7000-8000-0000000000ff';

/** A cache that knows the answer for some `n`, and counts what it is asked. */
const createKnowingCache = (known: ReadonlyMap<number, string>) =>
  createMemoryCache({
    jobKey: ({ parameters }) => String(parameters.n),
    known: new Map([...known].map(([n, jobId]) => [String(n), jobId])),
  });

describe.each(['pglite', 'postgres'] as const)('submitting many on %s', (kind) => {
  let host: TestPlatform;
  let platform: Platform;
  let queued: JobMessage[];
  let isQueueDown: boolean;
  let heads: string[];
  beforeAll(async () => {
    host = await openTestPlatform(kind, createTestTasks({ count: () => ({}) }));
    await publishPipeline(host.platform, host.caller, {
      name: 'counting',
      version: '1.0.0',
      spec: {
        version: 1,
        inputs: {
          type: 'object',
          properties: {
            receptor: { type: 'string', contentMediaType: 'chemical/x-pdbqt' },
            ligand: { type: 'string' },
          },
        },
        parameters: {
          type: 'object',
          properties: { n: { type: 'integer' }, size: { type: 'number', default: 20 } },
          required: ['n'],
        },
        tasks: [step('count', { inputs: { n: { from: '/parameters/n' } } })],
      },
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(async () => {
    await host.results.deleteFrom('jobs').execute();
    await inOrganization(host.metadata, ORG_ID, (tx) => tx.deleteFrom('jobs_meta').execute());
    [queued, heads, isQueueDown] = [[], [], false];
    const { artifacts, queue } = host.platform;
    platform = {
      ...host.platform,
      artifacts: {
        ...artifacts,
        head: (orgId, digest) => {
          heads.push(digest);
          return artifacts.head(orgId, digest);
        },
      },
      queue: {
        ...queue,
        async enqueue(messages) {
          if (isQueueDown) throw new RangeError('the queue is away');
          queued.push(...messages);
        },
      },
    };
  });

  const counting = (n: number, more: Partial<SubmitJob> = {}): SubmitJob => ({
    pipeline: 'counting',
    parameters: { n },
    ...more,
  });
  const submit = (requests: readonly SubmitJob[]) => submitJobs(platform, host.caller, requests);
  const rows = () => host.results.selectFrom('jobs').selectAll().orderBy('job_id').execute();
  const mirrors = () => inOrganization(host.metadata, ORG_ID, (tx) => listJobsMeta(tx, { limit: 500 }));

  test('a request that throws when it is read is refused by itself', async () => {
    const boom = () => {
      throw new RangeError('boom');
    };
    const throwing: unknown[] = [
      Object.defineProperty({}, 'pipeline', { get: boom, enumerable: true }),
      new Proxy({}, { get: boom, ownKeys: boom }),
      { pipeline: 'counting', parameters: new Proxy({}, { ownKeys: boom }) },
      { pipeline: 'counting', inputs: new Proxy({}, { ownKeys: boom }) },
    ];
    const outcomes = await submit([counting(1), ...(throwing as SubmitJob[]), counting(2)]);
    expect(outcomes.map(({ job, error }) => (job ? 'job' : error?.code))).toEqual([
      'job',
      ...throwing.map(() => 'MAD_CORE_VALIDATION_FAILED'),
      'job',
    ]);
  });

  test('a hole in the list is refused at its place', async () => {
    const requests: SubmitJob[] = new Array(3);
    requests[1] = counting(1);
    const outcomes = await submit(requests);
    expect(Array.from(outcomes, (outcome) => [outcome?.index, outcome?.error?.code])).toEqual([
      [0, 'MAD_CORE_VALIDATION_FAILED'],
      [1, undefined],
      [2, 'MAD_CORE_VALIDATION_FAILED'],
    ]);
  });

  test('parameters of more than a mebibyte are refused', async () => {
    const [large, fitting] = await submit([
      counting(1, { parameters: { n: 1, text: 'é'.repeat(530_000) } }),
      counting(1, { parameters: { n: 1, text: 'e'.repeat(1_000_000) } }),
    ]);
    expect(large?.error?.message).toMatch(/\/parameters: expected 1048576 bytes of JSON at most, got 1060017/);
    expect(fitting?.error).toBeUndefined();
  });

  test('each request is a job with its inputs, its first event, its mirror and its message', async () => {
    const { digest, sizeBytes } = await platform.artifacts.put(ORG_ID, `receptor ${kind}`);
    const moleculeId = newId();
    const molecule = { molecule_id: moleculeId, name: 'r', format: 'pdbqt', uri: 'mad://r', checksum: digest };
    await inOrganization(host.metadata, ORG_ID, (tx) => insertMolecule(tx, molecule));
    const receptor = formatMoleculeUri({ orgId: ORG_ID, moleculeId, format: 'pdbqt' });
    const ligand = formatArtifactUri({ orgId: ORG_ID, digest });
    const [screeningId, deadline, runAfter] = [newId(), new Date('2999-01-02T00:00:00Z'), '2999-01-01T00:00:00+01:00'];
    const more = { inputs: { receptor, ligand }, screeningId, deadline, runAfter, priority: 3 };
    const outcomes = await submit(Array.from({ length: 50 }, (_, n) => counting(n, { ...more, itemKey: `mol-${n}` })));
    expect(outcomes.map(({ index, job }) => [index, job?.status, job?.cache.hit])).toEqual(
      outcomes.map((_, index) => [index, 'PENDING', false]),
    );
    // Asked once, however many jobs and names lead to the file.
    expect(heads).toEqual([digest]);
    const jobs = await rows();
    expect(new Set(jobs.map(({ job_id }) => job_id))).toEqual(new Set(outcomes.map(({ job }) => job?.jobId)));
    const last = jobs.find(({ job_id }) => job_id === outcomes[49]?.job?.jobId);
    expect(last).toMatchObject({
      status: 'PENDING',
      pipeline_version: 'counting@1.0.0',
      params: { n: 49, size: 20 },
      spec: null,
      resource_class: 'cpu',
      priority: 3,
      screening_id: screeningId,
      item_key: 'mol-49',
      deadline,
      run_after: new Date(runAfter),
    });
    expect(new Set(jobs.map(({ spec_digest }) => spec_digest)).size).toBe(1);
    const specs = await host.results.selectFrom('pipeline_specs').select('spec_digest').execute();
    expect(specs).toEqual([{ spec_digest: last?.spec_digest }]);
    const inputs = await host.results
      .selectFrom('job_inputs')
      .selectAll()
      .where('job_id', '=', last?.job_id ?? '')
      .execute();
    expect(inputs.map(({ key, checksum, size_bytes }) => [key, checksum, Number(size_bytes)]).sort()).toEqual([
      ['ligand', digest, sizeBytes],
      ['receptor', digest, sizeBytes],
    ]);
    const events = await host.results.selectFrom('job_events').select(['seq_no', 'event']).execute();
    expect(events.map(({ seq_no, event }) => [Number(seq_no), event])).toEqual(outcomes.map(() => [1, 'QUEUED']));
    expect((await mirrors()).items).toHaveLength(50);
    expect((await mirrors()).items[0]).toMatchObject({ status: 'PENDING', event_no: 1, screening_id: screeningId });
    expect(queued).toHaveLength(50);
    expect(queued[0]).toMatchObject({ orgId: ORG_ID, priority: 3, resourceClass: 'cpu', runAfter: new Date(runAfter) });
  });

  test('what cannot be a job is refused by itself, with the error of a single submission', async () => {
    const outcomes = await submit([
      counting(0),
      { pipeline: 'counting', parameters: {} },
      { pipeline: 'nowhere' },
      counting(1, { inputs: { receptor: 'mad://elsewhere' } }),
      counting(2, { deadline: '2001-01-01T00:00:00Z' }),
      counting(3),
    ]);
    expect(outcomes.map(({ job, error }) => job?.status ?? error?.code)).toEqual([
      'PENDING',
      'MAD_CORE_VALIDATION_FAILED',
      'MAD_CORE_NOT_FOUND',
      'MAD_CORE_VALIDATION_FAILED',
      'MAD_CORE_VALIDATION_FAILED',
      'PENDING',
    ]);
    expect(outcomes.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(outcomes[1]?.error?.message).toContain("/parameters/n: must have required property 'n'");
    expect(outcomes[4]?.error?.message).toContain('/deadline: expected a time in the future');
    expect(await rows()).toHaveLength(2);
  });

  test.each([
    [{ priority: 1.5 }, '/priority: expected a whole number'],
    [{ priority: 'high' }, '/priority: expected a whole number'],
    [{ deadline: 'tomorrow' }, '/deadline'],
    [{ deadline: new Date(Number.NaN) }, '/deadline'],
    [{ deadline: '2999-02-30T00:00:00Z' }, '/deadline'],
    [{ runAfter: '+012345-01-01T00:00:00Z' }, '/runAfter'],
    [{ runAfter: '2999-01-02T00:00:00Z', deadline: '2999-01-01T00:00:00Z' }, '/deadline'],
    [{ screeningId: 'mine' }, '/screeningId'],
    [{ itemKey: '' }, '/itemKey'],
    [{ itemKey: 'a\0' }, '/itemKey'],
    [{ useCache: 'no' }, '/useCache'],
  ])('%j is refused with its place', async (wrong, place) => {
    const refused = submitJob(platform, host.caller, { ...counting(0), ...wrong } as SubmitJob);
    await expect(refused).rejects.toMatchObject({ code: 'MAD_CORE_VALIDATION_FAILED' });
    await expect(refused).rejects.toThrow(place);
  });

  test('of one key in one call the first request becomes the job, the same again is answered with it, another is told', async () => {
    const outcomes = await submit([
      counting(1, { idempotencyKey: 'k' }),
      counting(1, { idempotencyKey: 'k', priority: 9 }),
      counting(2, { idempotencyKey: 'k' }),
      counting(1, { idempotencyKey: 'k', itemKey: 'another' }),
    ]);
    expect(outcomes[1]?.job?.jobId).toBe(outcomes[0]?.job?.jobId);
    expect(outcomes[2]?.error).toBeInstanceOf(ConflictError);
    expect(outcomes[3]?.error).toBeInstanceOf(ConflictError);
    expect(await rows()).toHaveLength(1);
    const again = await submit([
      counting(3),
      counting(1, { idempotencyKey: 'k' }),
      counting(2, { idempotencyKey: 'k' }),
    ]);
    expect(again.map(({ job, error }) => job?.status ?? error?.code)).toEqual([
      'PENDING',
      'PENDING',
      'MAD_CORE_CONFLICT',
    ]);
    expect(again[1]?.job?.jobId).toBe(outcomes[0]?.job?.jobId);
  });

  test('a repeated request is answered also when its deadline has passed meanwhile', async () => {
    const request = counting(1, { idempotencyKey: 'late', deadline: new Date(Date.now() + 60_000) });
    const { jobId } = await submitJob(platform, host.caller, request);
    const later = { ...platform, clock: { now: () => new Date('2998-01-01'), sleep: async () => {} } };
    expect((await submitJob(later, host.caller, request)).jobId).toBe(jobId);
  });

  test('the cache is asked for all that may be served, and a hit is a COMPLETED job at once', async () => {
    const canonical = await submitJob(platform, host.caller, counting(7));
    const cache = createKnowingCache(new Map([[7, canonical.jobId]]));
    const requests = [
      counting(7),
      counting(7),
      counting(8),
      counting(8, { minConfidence: 0.5 }),
      counting(7, { useCache: false }),
    ];
    const outcomes = await submitJobs({ ...platform, cache }, host.caller, requests);
    const hit = { hit: true, canonicalJobId: canonical.jobId, leaderJobId: null };
    const miss = { hit: false, canonicalJobId: null, leaderJobId: null };
    expect(outcomes.map(({ job }) => job?.cache)).toEqual([
      hit,
      hit,
      miss,
      { ...miss, leaderJobId: outcomes[2]?.job?.jobId },
      miss,
    ]);
    expect(outcomes.map(({ job }) => job?.status)).toEqual(['COMPLETED', 'COMPLETED', 'PENDING', 'PENDING', 'PENDING']);
    expect(cache.asked).toHaveLength(4);
    const events = await host.results
      .selectFrom('job_events')
      .select(['seq_no', 'event'])
      .where('job_id', '=', outcomes[0]?.job?.jobId ?? '')
      .orderBy('seq_no')
      .execute();
    expect(events.map(({ seq_no, event }) => `${seq_no} ${event}`)).toEqual(['1 QUEUED', '2 CACHE_HIT', '3 COMPLETED']);
    expect(queued.map(({ jobId }) => jobId)).not.toContain(outcomes[0]?.job?.jobId);
  });

  test('where the job behind a hit is gone by then, it is computed', async () => {
    const cache = createKnowingCache(new Map([[7, NEVER]]));
    const outcomes = await submitJobs({ ...platform, cache }, host.caller, [counting(7), counting(8)]);
    expect(outcomes.map(({ job }) => [job?.status, job?.cache.hit])).toEqual([
      ['PENDING', false],
      ['PENDING', false],
    ]);
  });

  test('jobs are accepted and mirrored though the queue is away', async () => {
    isQueueDown = true;
    const [outcome] = await submit([counting(1)]);
    expect(outcome?.job?.status).toBe('PENDING');
    expect((await mirrors()).items.map(({ job_id }) => job_id)).toEqual([outcome?.job?.jobId]);
  });

  test('more than one part is one whole: 2,100 jobs in one call', async () => {
    const outcomes = await submit(Array.from({ length: 2_100 }, (_, n) => counting(n)));
    expect(outcomes.every(({ job }) => job?.status === 'PENDING')).toBe(true);
    const [jobs, events] = [await rows(), await host.results.selectFrom('job_events').select('job_id').execute()];
    expect([jobs.length, events.length, queued.length]).toEqual([2_100, 2_100, 2_100]);
  });

  test('too many, none, and a caller who may not', async () => {
    await expect(submit(Array.from({ length: 10_001 }, () => counting(1)))).rejects.toThrow(/10000 requests at most/);
    expect(await submit([])).toEqual([]);
    await expect(submitJobs(platform, { ...host.caller, permissions: new Set() }, [counting(1)])).rejects.toThrow(
      /job\.create/,
    );
    expect(await rows()).toEqual([]);
  });
});
