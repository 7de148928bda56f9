import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelJob,
  forgetStoredFiles,
  isMadError,
  type JobQuotas,
  type Platform,
  publishPipeline,
  QuotaExceededError,
  readJobUsage,
  submitJob,
  submitJobs,
} from '../../src/index.ts';
import { createMemoryCache } from '../executor/memory-cache.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

describe.each(['pglite', 'postgres'] as const)('quotas on %s', (kind) => {
  let host: TestPlatform;
  let quotas: JobQuotas;
  let platform: Platform;
  beforeAll(async () => {
    host = await openTestPlatform(kind, createTestTasks({ count: () => ({}) }));
    await publishPipeline(host.platform, host.caller, {
      name: 'counting',
      version: '1.0.0',
      spec: {
        version: 1,
        parameters: { type: 'object', properties: { n: { type: 'integer' } } },
        tasks: [step('count', { inputs: { n: { from: '/parameters/n' } } })],
      },
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(async () => {
    await host.results.deleteFrom('jobs').execute();
    await host.results.deleteFrom('job_usage').execute();
    quotas = {};
    platform = { ...host.platform, quotas: { get: async () => quotas } };
  });

  const request = (n: number, idempotencyKey?: string) => ({ pipeline: 'counting', parameters: { n }, idempotencyKey });
  const submit = (n: number, key?: string) => submitJob(platform, host.caller, request(n, key));
  const many = (count: number) =>
    submitJobs(
      platform,
      host.caller,
      Array.from({ length: count }, (_, n) => request(n)),
    );
  const stored = async () => (await host.results.selectFrom('jobs').select('job_id').execute()).length;

  test('at the last free place of the month exactly one of many passes', async () => {
    await many(3);
    quotas = { maxJobsPerMonth: 4 };
    const tried = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => submit(n)));
    expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = tried.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toBeInstanceOf(QuotaExceededError);
    expect(refused?.reason).toMatchObject({
      details: { quota: 'max_jobs_per_month', limit: 4, used: 4, asked: 1 },
    });
    expect(await stored()).toBe(4);
    expect(await readJobUsage(host.results)).toEqual({ jobsThisMonth: 4, openJobs: 4 });
  });

  test('at the last place for open jobs exactly one of many passes, and another when one has ended', async () => {
    quotas = { maxConcurrentJobs: 2 };
    const { jobId } = await submit(0);
    const tried = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => submit(n)));
    expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await cancelJob(platform, host.caller, { jobId });
    await submit(9);
    await expect(submit(10)).rejects.toMatchObject({ details: { quota: 'max_concurrent_jobs', used: 2 } });
  });

  test('many in one call are accepted or refused together, and what is refused takes nothing', async () => {
    quotas = { maxJobsPerMonth: 5 };
    expect((await many(6)).every(({ error }) => isMadError(error))).toBe(true);
    expect(await stored()).toBe(0);
    expect((await many(5)).every(({ job }) => job !== undefined)).toBe(true);
    expect((await readJobUsage(host.results)).jobsThisMonth).toBe(5);
  });

  test('a request that is repeated takes nothing, and deleted jobs give nothing back', async () => {
    quotas = { maxJobsPerMonth: 1 };
    const { jobId } = await submit(1, 'once');
    expect((await submit(1, 'once')).jobId).toBe(jobId);
    await host.results.deleteFrom('jobs').execute();
    await expect(submit(2)).rejects.toBeInstanceOf(QuotaExceededError);
  });

  test('a job that the cache answers takes nothing, alone and among others, with no place left', async () => {
    quotas = { maxJobsPerMonth: 1 };
    const { jobId } = await submit(0);
    await host.results.updateTable('jobs').set({ status: 'COMPLETED' }).execute();
    const known = new Map([0, 1, 2].map((n) => [JSON.stringify({ n }), jobId]));
    const cache = createMemoryCache({ jobKey: ({ parameters }) => JSON.stringify(parameters), known });
    platform = { ...platform, cache };
    const used = () => readJobUsage(host.results);
    for (const limits of [{ maxJobsPerMonth: 1 }, { maxJobsPerMonth: 1, maxConcurrentJobs: 0 }, {}]) {
      quotas = limits;
      expect(await submit(0)).toMatchObject({ status: 'COMPLETED', cache: { canonicalJobId: jobId } });
      expect((await many(3)).map(({ job }) => job?.status)).toEqual(Array(3).fill('COMPLETED'));
      expect(await used()).toEqual({ jobsThisMonth: 1, openJobs: 0 });
    }
    quotas = { maxJobsPerMonth: 2 };
    const statuses = (await many(4)).map(({ job }) => job?.status);
    expect(statuses, 'one of them computes').toEqual([...Array(3).fill('COMPLETED'), 'PENDING']);
    expect(await used()).toEqual({ jobsThisMonth: 2, openJobs: 1 });
    await expect(submit(4)).rejects.toMatchObject({ details: { quota: 'max_jobs_per_month', used: 2, asked: 1 } });
  });

  test('a limit set in the middle of a month counts what was accepted before', async () => {
    await many(2);
    quotas = { maxJobsPerMonth: 3 };
    await submit(3);
    await expect(submit(4)).rejects.toMatchObject({ details: { used: 3 } });
    await host.results
      .updateTable('jobs')
      .set({ created_at: new Date('2020-01-01') })
      .execute();
    await host.results.deleteFrom('job_usage').execute();
    await submit(5);
    expect((await readJobUsage(host.results)).jobsThisMonth).toBe(1);
  });

  test('what is accepted while a limit is lifted counts when it stands again', async () => {
    quotas = { maxJobsPerMonth: 9 };
    await submit(1);
    quotas = {};
    await submit(2, 'once');
    await submit(2, 'once');
    await many(3);
    expect((await readJobUsage(host.results)).jobsThisMonth).toBe(5);
    quotas = { maxConcurrentJobs: 100, maxJobsPerMonth: 5 };
    await expect(submit(4)).rejects.toMatchObject({ details: { quota: 'max_jobs_per_month', used: 5 } });
  });

  test('at or above the storage nothing that computes is accepted, and again when something was deleted', async () => {
    const digest = 'a'.repeat(64);
    await host.results.insertInto('stored_files').values({ digest, size_bytes: 2_000_000_000 }).execute();
    quotas = { maxStorageBytes: 2_000_000_001 };
    const { jobId } = await submit(1, 'before');
    quotas = { maxStorageBytes: 2_000_000_000 };
    await expect(submit(2)).rejects.toMatchObject({
      code: 'MAD_CORE_QUOTA_EXCEEDED',
      details: { quota: 'max_storage_gb', limit: 2, used: 2, asked: 1 },
    });
    expect((await many(2)).map(({ error }) => isMadError(error) && error.details.asked)).toEqual([2, 2]);
    expect(await stored()).toBe(1);
    expect((await submit(1, 'before')).jobId).toBe(jobId);
    await forgetStoredFiles(host.results, { digests: [digest] });
    await submit(2);
    expect((await readJobUsage(host.results)).jobsThisMonth).toBe(2);
  });
});
