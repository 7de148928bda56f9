import { expect, test } from 'vitest';
import { Executor, publishPipeline, type ResultCache, submitJobs } from '../../src/index.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createTestTasks, openTestPlatform, step } from './test-platform.ts';

const KEYS = 6;

/** Entries that many jobs write again and again, and that are never served. */
const cache: ResultCache = {
  ...createMemoryCache({ stepKey: (request) => `key-${String(request.n)}`, jobKey: () => 'job', serves: false }),
  async record(tx, { entries }) {
    const rows = new Map(
      entries
        .toSorted((a, b) => (a.identity.cacheKey < b.identity.cacheKey ? -1 : 1))
        .map(({ identity, pipelineVersion, taskName, canonicalJobId }) => [
          identity.cacheKey,
          {
            ...{ cache_key: identity.cacheKey, pipeline_version: pipelineVersion, task_name: taskName },
            canonical_job_id: canonicalJobId,
          },
        ]),
    );
    await tx
      .insertInto('result_cache')
      .values([...rows.values()])
      .onConflict((conflict) =>
        conflict.column('cache_key').doUpdateSet((eb) => ({ canonical_job_id: eb.ref('excluded.canonical_job_id') })),
      )
      .execute();
  },
};

test('jobs that write the same cache entries in different orders never break each other off', async () => {
  const tasks = createTestTasks({ work: () => ({}) });
  await using host = await openTestPlatform('postgres', tasks);
  const platform = { ...host.platform, cache };
  for (let start = 0; start < KEYS; start++) {
    const steps = Array.from({ length: KEYS }, (_, at) => (start % 2 ? start - at + KEYS : start + at) % KEYS);
    const tasksOf = steps.map((n, at) => step(`work-${at}`, { parameters: { task: 'work', n } }));
    await publishPipeline(platform, host.caller, {
      name: `p${start}`,
      version: '1.0.0',
      spec: { version: 1, tasks: tasksOf },
    });
  }
  const requests = Array.from({ length: 48 }, (_, at) => ({ pipeline: `p${at % KEYS}` }));
  await submitJobs(platform, host.caller, requests);
  // Each computes for itself: equal ones in flight would wait for one another.
  await host.results.updateTable('jobs').set({ leader_job_id: null }).execute();
  await using executor = new Executor(platform, { concurrency: 48, recoverEveryMs: 200 });
  executor.start();
  const open = () => host.results.selectFrom('jobs').select('job_id').where('status', '!=', 'COMPLETED').execute();
  await expect.poll(open, { timeout: 30_000 }).toEqual([]);
  const fences = await host.results.selectFrom('jobs').select('fence').distinct().execute();
  expect(fences.map(({ fence }) => Number(fence))).toEqual([1]);
  expect(tasks.calls).toHaveLength(48 * KEYS);
});
