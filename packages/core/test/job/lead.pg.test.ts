import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { recoverOrganization } from '../../src/executor/recover-organization.ts';
import { cancelJob, createInProcessQueue, type Platform, publishPipeline, submitJob } from '../../src/index.ts';
import { followLeaders } from '../../src/results/followers.ts';
import { createMemoryCache } from '../executor/memory-cache.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

// A flight that outlives its job would stay for ever: its lease does not run out, and nobody ends it.

describe('a new job leads those that ask the same', () => {
  let host: TestPlatform;
  let platform: Platform;
  beforeAll(async () => {
    host = await openTestPlatform('postgres', createTestTasks({ work: () => ({}) }));
    await publishPipeline(host.platform, host.caller, {
      name: 'leading',
      version: '1.0.0',
      spec: { version: 1, parameters: { type: 'object' }, tasks: [step('work')] },
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(() => {
    const cache = createMemoryCache({ jobKey: ({ parameters }) => JSON.stringify(parameters) });
    platform = { ...host.platform, cache, queue: createInProcessQueue() };
  });
  afterEach(async () => {
    await host.results.deleteFrom('jobs').execute();
    await host.results.deleteFrom('cache_flights').execute();
  });

  const PARAMETERS = { n: 1 };
  const cacheKey = JSON.stringify(PARAMETERS);
  const submit = async (priority = 0) =>
    (await submitJob(platform, host.caller, { pipeline: 'leading', parameters: PARAMETERS, priority })).jobId;
  const cancel = (jobId: string) => cancelJob(platform, host.caller, { jobId });
  const flights = () => host.results.selectFrom('cache_flights').select(['cache_key', 'job_id']).execute();
  const jobIds = async () =>
    (await host.results.selectFrom('jobs').select('job_id').execute()).map(({ job_id }) => job_id);

  test.each(['PENDING', 'RUNNING'] as const)('while it is %s', async (status) => {
    const jobId = await submit();
    await host.results.deleteFrom('cache_flights').execute();
    await host.results.updateTable('jobs').set({ status }).execute();
    expect(await followLeaders(host.results, { owner: 'o', jobs: [{ jobId, cacheKey, priority: 0 }] })).toEqual([]);
    expect(await flights()).toEqual([{ cache_key: cacheKey, job_id: jobId }]);
  });

  test.each(['COMPLETED', 'FAILED', 'CANCELED'] as const)('not when it is %s already', async (status) => {
    const jobId = await submit();
    await host.results.deleteFrom('cache_flights').execute();
    await host.results.updateTable('jobs').set({ status }).execute();
    expect(await followLeaders(host.results, { owner: 'o', jobs: [{ jobId, cacheKey, priority: 0 }] })).toEqual([]);
    expect(await flights()).toEqual([]);
  });

  test('until its deadline closes it: whoever waited for it is to be run', async () => {
    const leader = await submit();
    const follower = await submit();
    const deadline = new Date(Date.now() - 1_000);
    await host.results.updateTable('jobs').set({ deadline }).where('job_id', '=', leader).execute();
    const { signal } = new AbortController();
    await recoverOrganization(platform, { orgId: host.caller.orgId, sinceMs: 60_000, signal });
    expect(await flights()).toEqual([]);
    const rows = await host.results.selectFrom('jobs').select(['job_id', 'status', 'leader_job_id']).execute();
    expect(rows).toContainEqual({ job_id: leader, status: 'FAILED', leader_job_id: null });
    expect(rows).toContainEqual({ job_id: follower, status: 'PENDING', leader_job_id: null });
  });

  test('not when it is gone already', async () => {
    const jobId = await submit();
    await host.results.deleteFrom('jobs').execute();
    expect(await followLeaders(host.results, { owner: 'o', jobs: [{ jobId, cacheKey, priority: 0 }] })).toEqual([]);
    expect(await flights()).toEqual([]);
  });

  test('and where it is canceled while it begins to lead, no flight of it stays', async () => {
    const released = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = host.results.transaction().execute(async (tx) => {
      const lease_expires_at = new Date();
      await tx
        .insertInto('cache_flights')
        .values({ cache_key: cacheKey, owner: 'another', lease_expires_at })
        .execute();
      held.resolve();
      await released.promise;
      await tx.deleteFrom('cache_flights').where('owner', '=', 'another').execute();
    });
    await held.promise;
    const submitting = submit();
    await expect.poll(jobIds).toHaveLength(1);
    await setTimeout(300);
    const canceling = cancel((await jobIds())[0] ?? '');
    await Promise.race([canceling, setTimeout(500)]);
    released.resolve();
    await Promise.all([holder, submitting]);
    expect(await canceling).toBe('CANCELED');
    expect(await flights()).toEqual([]);
  });

  test('and where it is canceled while it takes the lead over, no flight of it stays', async () => {
    const former = await submit();
    const released = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = host.results.transaction().execute(async (tx) => {
      await tx.selectFrom('cache_flights').select('cache_key').forUpdate().execute();
      held.resolve();
      await released.promise;
    });
    await held.promise;
    const submitting = submit(5);
    await expect.poll(jobIds).toHaveLength(2);
    await setTimeout(300);
    const urgent = (await jobIds()).find((jobId) => jobId !== former) ?? '';
    const canceling = cancel(urgent);
    await Promise.race([canceling, setTimeout(500)]);
    released.resolve();
    await Promise.all([holder, submitting]);
    expect(await canceling).toBe('CANCELED');
    expect((await flights()).filter(({ job_id }) => job_id === urgent)).toEqual([]);
    const waiting = host.results.selectFrom('jobs').select('job_id').where('leader_job_id', 'is not', null);
    expect(await waiting.execute(), 'and nobody waits for it').toEqual([]);
  });
});
