import { expect, test } from 'vitest';
import { Executor, publishPipeline, type ResultCache, submitJobs, upsertCacheEntry } from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step } from './test-platform.ts';

const KEYS = 6;

/** Entries that many jobs write again and again, and that are never served. */
const cache: ResultCache = {
  identifyStep: ({ request }) => ({ inputSignature: 's', cacheKey: `key-${String(request.n)}`, keyComponents: {} }),
  identifyJob: () => ({ inputSignature: 's', cacheKey: 'job', keyComponents: {} }),
  find: async () => ({ outcome: 'miss', reason: 'no_entry' }),
  async record(tx, { identity, pipelineVersion, taskName, canonicalJobId }) {
    await upsertCacheEntry(tx, {
      ...{ cache_key: identity.cacheKey, pipeline_version: pipelineVersion, task_name: taskName },
      ...{ canonical_job_id: canonicalJobId, artifact_map: {}, metrics_summary: {}, key_components: {}, producer: {} },
    });
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
  await using executor = new Executor(platform, { concurrency: 48, recoverEveryMs: 200 });
  executor.start();
  const open = () => host.results.selectFrom('jobs').select('job_id').where('status', '!=', 'COMPLETED').execute();
  await expect.poll(open, { timeout: 30_000 }).toEqual([]);
  const fences = await host.results.selectFrom('jobs').select('fence').distinct().execute();
  expect(fences.map(({ fence }) => Number(fence))).toEqual([1]);
  expect(tasks.calls).toHaveLength(48 * KEYS);
});
