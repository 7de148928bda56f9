import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelJob,
  createInProcessQueue,
  Executor,
  followJob,
  inOrganization,
  type JsonObject,
  MadError,
  type Platform,
  publishPipeline,
  retryJob,
  type SubmitJob,
  submitJob,
  submitJobs,
  TaskFailedError,
  type TaskRunner,
} from '../../src/index.ts';
import { createMemoryCache, type MemoryCache } from './memory-cache.ts';
import { createTestTasks, ORG_ID, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

/** What a runner throws when its database is away. */
class AwayError extends MadError {
  static override readonly code = 'MAD_TEST_AWAY';
  static override readonly retryable = true;
}

describe.each(['pglite', 'postgres'] as const)('one computes what many ask for, on %s', (kind) => {
  let host: TestPlatform;
  let cache: MemoryCache;
  let platform: Platform;
  let answer: (request: JsonObject, call: { signal: AbortSignal; jobId: string }) => Promise<JsonObject>;
  let executors: Executor[] = [];
  const tasks = createTestTasks({
    work: (request, call) => {
      call.onProgress?.(0.5);
      return answer(request, call);
    },
    own: async () => ({}),
    dice: (request, call) => answer(request, call),
  });
  const runner: TaskRunner = {
    ...tasks,
    run: (call) => tasks.run(call),
    async prepare(orgId, call) {
      const prepared = await tasks.prepare(orgId, call);
      if (call.request.task !== 'dice') return prepared;
      return { ...prepared, identity: { ...prepared.identity, determinism: 'stochastic' } };
    },
  };

  beforeAll(async () => {
    host = await openTestPlatform(kind, runner);
    await publishPipeline(host.platform, host.caller, {
      name: 'docking',
      version: '1.0.0',
      spec: {
        version: 1,
        parameters: { type: 'object', properties: { n: { type: 'number' } } },
        tasks: [
          step('work'),
          step('own', { dependsOn: ['work'], inputs: { n: { from: '/parameters/n' } }, cache: 'use' }),
        ],
      },
    });
    for (const one of [step('dice'), step('work', { retry: { attempts: 2, backoffMs: 60_000 } })])
      await publishPipeline(host.platform, host.caller, {
        name: one.name === 'dice' ? 'dice' : 'patient',
        version: '1.0.0',
        spec: {
          version: 1,
          parameters: { type: 'object', properties: { n: { type: 'number' } } },
          tasks: [one],
        },
      });
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    tasks.calls.length = 0;
    answer = async () => {
      await setTimeout(100);
      return { energy: -7 };
    };
    cache = createMemoryCache({ jobKey: ({ parameters }) => JSON.stringify(parameters) });
    platform = { ...host.platform, cache, queue: createInProcessQueue() };
  });
  afterEach(async () => {
    for (const executor of executors) await executor[Symbol.asyncDispose]();
    executors = [];
    await host.results.deleteFrom('jobs').execute();
    await host.results.deleteFrom('cache_flights').execute();
    await inOrganization(host.metadata, ORG_ID, (tx) => tx.deleteFrom('jobs_meta').execute());
  });

  const start = (count = 1) => {
    for (let at = 0; at < count; at++) {
      const executor = new Executor(platform, { concurrency: 32, leaseMs: 1_500, recoverEveryMs: 200, stopGraceMs: 0 });
      executor.start();
      executors.push(executor);
    }
  };
  const submit = async (requests: readonly Partial<SubmitJob>[]) => {
    const outcomes = await submitJobs(
      platform,
      host.caller,
      requests.map((request) => ({ pipeline: 'docking', ...request })),
    );
    return outcomes.map(({ job }) => job?.jobId ?? '');
  };
  const jobs = () => host.results.selectFrom('jobs').selectAll().orderBy('created_at').execute();
  const allCompleted = () =>
    expect
      .poll(async () => new Set((await jobs()).map(({ status }) => status)), { timeout: 20_000, interval: 50 })
      .toEqual(new Set(['COMPLETED']));
  const eventsOf = async (jobId: string) =>
    (
      await host.results.selectFrom('job_events').selectAll().where('job_id', '=', jobId).orderBy('seq_no').execute()
    ).map(({ event, metadata }) => ({ event, metadata }));
  const calls = (task: string) => tasks.calls.filter(({ request }) => request.task === task);

  test('a step that many jobs share is called once, and the others are given its answer', async () => {
    const ids = await submit(Array.from({ length: 12 }, (_, n) => ({ parameters: { n } })));
    start(2);
    await allCompleted();
    expect(calls('work')).toHaveLength(1);
    expect(calls('own')).toHaveLength(12);
    const leader = calls('work')[0]?.jobId;
    for (const jobId of ids.filter((id) => id !== leader)) {
      const row = await host.results
        .selectFrom('task_results')
        .select('result_data')
        .where('job_id', '=', jobId)
        .where('task_name', '=', 'work')
        .executeTakeFirstOrThrow();
      expect(row.result_data).toEqual({ energy: -7 });
      const told = (await eventsOf(jobId)).map(({ event }) => event);
      expect(told).toContain('TASK_CACHED');
      expect(told).not.toContain('TASK_RETRYING');
    }
    const joined = await host.results
      .selectFrom('job_events')
      .select('metadata')
      .where('event', '=', 'TASK_JOINED')
      .execute();
    expect(joined.length).toBeGreaterThan(0);
    for (const { metadata } of joined) expect(metadata.leader_job_id).toBe(leader);
    expect(await host.results.selectFrom('cache_flights').selectAll().execute()).toEqual([]);
    const attempts = await host.results
      .selectFrom('task_executions')
      .select('exec_id')
      .where('task_name', '=', 'work')
      .execute();
    expect(attempts).toHaveLength(1);
  });

  test('those who wait show how far the one is that computes', async () => {
    answer = async () => {
      await setTimeout(1_200);
      return {};
    };
    const ids = await submit([{ parameters: { n: 1 } }, { parameters: { n: 2 } }]);
    start();
    await allCompleted();
    const waited = ids.find((id) => id !== calls('work')[0]?.jobId) ?? '';
    const progress = (await eventsOf(waited)).filter(({ event }) => event === 'TASK_PROGRESS');
    expect(progress.map(({ metadata }) => metadata.progress)).toContain(0.5);
  });

  test('one that works for longer than its lease is not taken over from', async () => {
    answer = async () => {
      await setTimeout(3_000);
      return {};
    };
    await submit([{ parameters: { n: 1 } }, { parameters: { n: 2 } }]);
    start();
    await allCompleted();
    expect(calls('work')).toHaveLength(1);
  });

  test.each([
    ['waited for by those who accept it', true, 1],
    ['computed by each who does not accept it, at once', false, 3],
  ])('what no run repeats is %s', async (_name, acceptStochastic, expected) => {
    let running = 0;
    let most = 0;
    answer = async () => {
      most = Math.max(most, ++running);
      await setTimeout(500);
      running--;
      return {};
    };
    await submit([1, 2, 3].map((n) => ({ pipeline: 'dice', parameters: { n }, acceptStochastic })));
    start();
    await allCompleted();
    expect([calls('dice').length, most]).toEqual([expected, expected]);
  });

  test('where it fails, the others compute for themselves, all at once', async () => {
    let running = 0;
    let most = 0;
    answer = async () => {
      most = Math.max(most, ++running);
      await setTimeout(600);
      running--;
      throw new TaskFailedError({ failureCode: 'BAD_LIGAND', message: 'no', retryable: false });
    };
    await submit(Array.from({ length: 4 }, (_, n) => ({ parameters: { n } })));
    start(2);
    await expect
      .poll(async () => new Set((await jobs()).map(({ status }) => status)), { timeout: 20_000 })
      .toEqual(new Set(['FAILED']));
    expect(calls('work')).toHaveLength(4);
    expect(most).toBe(3);
  });

  test('where its run is broken off, the key is free again at once', async () => {
    let isAway = true;
    answer = async () => {
      if (!isAway) return {};
      isAway = false;
      throw new AwayError({ message: 'away for now' });
    };
    await submit([{ parameters: { n: 1 } }, { parameters: { n: 2 } }]);
    start();
    await allCompleted();
    expect(calls('work')).toHaveLength(2);
  });

  test('where its job is canceled before it is tried again, one of the others takes over', async () => {
    answer = async () => {
      if (calls('work').length > 1) return {};
      throw new TaskFailedError({ failureCode: 'BUSY', message: 'busy', retryable: true });
    };
    await submit([1, 2, 3].map((n) => ({ pipeline: 'patient', parameters: { n } })));
    start();
    const waits = () =>
      host.results.selectFrom('job_events').select('job_id').where('event', '=', 'TASK_RETRYING').executeTakeFirst();
    await expect.poll(waits, { timeout: 20_000 }).toBeDefined();
    await cancelJob(platform, host.caller, { jobId: (await waits())?.job_id ?? '' });
    await expect
      .poll(async () => (await jobs()).map(({ status }) => status).toSorted(), { timeout: 20_000 })
      .toEqual(['CANCELED', 'COMPLETED', 'COMPLETED']);
    expect(calls('work')).toHaveLength(2);
  });

  test('where its job is canceled, one of the others takes over', async () => {
    let first: string | undefined;
    answer = async (_request, { signal, jobId }) => {
      first ??= jobId;
      await setTimeout(jobId === first ? 60_000 : 50, undefined, { signal });
      return {};
    };
    await submit(Array.from({ length: 5 }, (_, n) => ({ parameters: { n } })));
    start();
    await expect.poll(() => first, { timeout: 20_000 }).toBeDefined();
    await cancelJob(platform, host.caller, { jobId: first ?? '' });
    await expect
      .poll(async () => (await jobs()).map(({ status }) => status).toSorted(), { timeout: 20_000 })
      .toEqual(['CANCELED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect(calls('work')).toHaveLength(2);
  });

  test('where its process is gone, one of the others takes over when the lease is', async () => {
    const [jobId = ''] = await submit([{ parameters: { n: 1 } }]);
    const [{ request } = { request: {} }] = [{ request: { task: 'work' } }];
    await host.results
      .insertInto('cache_flights')
      .values({
        ...{ cache_key: JSON.stringify(request), owner: 'gone', job_id: null },
        lease_expires_at: new Date(Date.now() + 1_000),
      })
      .execute();
    start();
    await allCompleted();
    expect(calls('work')).toHaveLength(1);
    expect((await eventsOf(jobId)).map(({ event }) => event)).not.toContain('TASK_CACHED');
  });

  describe('whole jobs', () => {
    const equal = { parameters: { n: 7 } };
    const waiting = async () => (await jobs()).filter(({ leader_job_id }) => leader_job_id !== null);

    test('equal ones wait for the first, and are given its result', async () => {
      const [first = '', ...others] = await submit([equal, equal, equal, { parameters: { n: 8 } }]);
      others.pop();
      const late = (await submitJob(platform, host.caller, { pipeline: 'docking', ...equal })).jobId;
      expect((await waiting()).map(({ job_id, leader_job_id }) => [job_id, leader_job_id]).toSorted()).toEqual(
        [...others, late].map((id) => [id, first]).toSorted(),
      );
      start(2);
      await allCompleted();
      expect(calls('own').filter(({ jobId }) => [first, late, ...others].includes(jobId))).toHaveLength(1);
      for (const row of await jobs()) {
        if (![...others, late].includes(row.job_id)) continue;
        expect(row).toMatchObject({ canonical_job_id: first, leader_job_id: null, cache: { outcome: 'hit' } });
        const told = await eventsOf(row.job_id);
        expect(told.map(({ event }) => event)).toEqual(['QUEUED', 'JOB_JOINED', 'CACHE_HIT', 'COMPLETED']);
        expect(row.last_event_seq).toBe(kind === 'pglite' ? 4 : '4');
      }
      expect(await host.results.selectFrom('cache_flights').selectAll().execute()).toEqual([]);
      await expect
        .poll(async () =>
          (
            await inOrganization(host.metadata, ORG_ID, (tx) => tx.selectFrom('jobs_meta').select('status').execute())
          ).map(({ status }) => status),
        )
        .toEqual(Array(5).fill('COMPLETED'));
    });

    test('one that waits shows what the steps of the other do, and then its own end', async () => {
      answer = async () => {
        await setTimeout(1_200);
        return {};
      };
      const [first = '', second = ''] = await submit([equal, equal]);
      const seen: string[] = [];
      const following = (async () => {
        for await (const { seq, event, leaderJobId } of followJob(platform, host.caller, { jobId: second }))
          seen.push(`${seq} ${event}${leaderJobId === first ? ' there' : ''}`);
      })();
      start();
      await following;
      expect(seen.slice(0, 3)).toEqual(['1 QUEUED', '2 JOB_JOINED', '2 STARTED there']);
      expect(seen).toContain('2 TASK_PROGRESS there');
      expect(seen.slice(-2)).toEqual(['3 CACHE_HIT', '4 COMPLETED']);
    });

    test('a more urgent one takes the lead over from one that has not started', async () => {
      const [first = ''] = await submit([equal]);
      const [second = ''] = await submit([equal]);
      const [urgent = ''] = await submit([{ ...equal, priority: 5 }]);
      expect((await waiting()).map((row) => [row.job_id, row.leader_job_id]).toSorted()).toEqual(
        [first, second].map((id) => [id, urgent]).toSorted(),
      );
      // Whoever read one of them before does not start it.
      expect((await waiting()).map(({ fence }) => Number(fence))).toEqual([1, 1]);
      start();
      await allCompleted();
      expect(calls('own').map(({ jobId }) => jobId)).toEqual([urgent]);
    });

    test('where the first fails or is canceled, the others are run', async () => {
      const [first = '', second = ''] = await submit([equal, equal]);
      await cancelJob(platform, host.caller, { jobId: first });
      expect(await waiting()).toEqual([]);
      start();
      await expect
        .poll(async () => (await jobs()).map(({ status }) => status).toSorted(), { timeout: 20_000 })
        .toEqual(['CANCELED', 'COMPLETED']);
      expect(calls('own').map(({ jobId }) => jobId)).toEqual([second]);
    });

    test('one that wants more confidence than there is computes for itself', async () => {
      answer = async () => ({ confidence_score: 0.4 });
      const [first = ''] = await submit([equal]);
      const [second = ''] = await submit([{ ...equal, minConfidence: 0.9 }]);
      start();
      await allCompleted();
      const rows = await jobs();
      expect(rows.find(({ job_id }) => job_id === second)?.canonical_job_id).toBeNull();
      expect(rows.find(({ job_id }) => job_id === first)?.canonical_job_id).toBeNull();
    });

    test('one that waits is not given a result of which something was taken out of service meanwhile', async () => {
      answer = async () => {
        await setTimeout(300);
        return {};
      };
      const [first = '', second = ''] = await submit([equal, equal]);
      start();
      await expect.poll(() => calls('work').length, { timeout: 20_000 }).toBe(1);
      await host.results
        .insertInto('cache_events')
        .values({ cache_key: 'k', event: 'DRIFTED', metadata: { job_id: first } })
        .execute();
      await allCompleted();
      const row = (await jobs()).find(({ job_id }) => job_id === second);
      expect(row).toMatchObject({ canonical_job_id: null, leader_job_id: null });
    });

    test('canceling a leader while more urgent ones come neither fails nor loses one', async () => {
      for (let round = 0; round < 15; round++) {
        const request = { parameters: { n: 1_000 + round } };
        const [leader = ''] = await submit([request]);
        const [canceled, ...more] = await Promise.all([
          cancelJob(platform, host.caller, { jobId: leader }),
          ...[1, 2, 3].map((priority) => submit([{ ...request, priority }])),
        ]);
        expect(canceled).toBe('CANCELED');
        expect(more.flat().every((jobId) => jobId !== '')).toBe(true);
      }
      start();
      await expect
        .poll(async () => (await jobs()).filter(({ status }) => status === 'COMPLETED').length, { timeout: 20_000 })
        .toBe(45);
    });

    test('one that is not to start yet, or wants everything anew, neither waits nor is waited for', async () => {
      const later = new Date(Date.now() + 3_600_000);
      await submit([
        { ...equal, runAfter: later },
        { ...equal, useCache: false },
        equal,
        { ...equal, useCache: false },
      ]);
      expect(await waiting()).toEqual([]);
    });

    test('one that no run repeats waits where it accepts the answer of another, and only there', async () => {
      const identifyJob: MemoryCache['identifyJob'] = async (job) => ({
        ...(await cache.identifyJob(job)),
        keyComponents: { determinism: 'stochastic' },
      });
      platform = { ...platform, cache: { ...cache, identifyJob } };
      await submit([equal, equal]);
      expect(await waiting()).toEqual([]);
      const [first, second] = await submit([1, 2].map(() => ({ ...equal, acceptStochastic: true })));
      expect(await waiting()).toMatchObject([{ job_id: second, leader_job_id: first }]);
    });

    test('one that takes results over from another is run, and waits for none', async () => {
      const [canceled = ''] = await submit([equal]);
      await cancelJob(platform, host.caller, { jobId: canceled });
      await submit([equal]);
      await retryJob(platform, host.caller, { jobId: canceled });
      expect(await waiting()).toEqual([]);
    });

    test('one whose leader is gone is due again', async () => {
      const [first = '', second = ''] = await submit([equal, equal]);
      await host.results.deleteFrom('jobs').where('job_id', '=', first).execute();
      start();
      await allCompleted();
      expect(calls('own').map(({ jobId }) => jobId)).toEqual([second]);
    });
  });
});
