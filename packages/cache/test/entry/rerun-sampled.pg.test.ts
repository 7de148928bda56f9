import { findCacheEntry, getJob, publishPipeline, submitJob, waitForJob } from '@mad/core';
import { expect, test } from 'vitest';
import { rerunSampled } from '../../src/index.ts';
import { caller, createAnswers, openExplainedHost } from '../explain/explained-host.ts';

test('the job of a sampled hit is computed again once, at the lowest priority; where it answers otherwise its entries leave service', async () => {
  const affinities: Record<string, number> = { steady: -9, drifting: -9 };
  const tasks = createAnswers({ dock: ({ ligand }) => ({ affinity: affinities[String(ligand)] ?? 0 }) });
  await using host = await openExplainedHost(tasks, { verifyRate: 1 });
  const { platform, results } = host;
  const step = { name: 'dock', task: 'dock@^1', inputs: { ligand: { from: '/parameters/ligand' } } };
  const spec = { version: 1 as const, parameters: { type: 'object' }, tasks: [step] };
  await publishPipeline(platform, caller, { name: 'docking', version: '1.0.0', spec });
  host.start();
  const run = async (ligand: string) => {
    const { jobId } = await submitJob(platform, caller, { pipeline: 'docking', parameters: { ligand } });
    expect(await waitForJob(platform, caller, { jobId })).toBe('COMPLETED');
    return getJob(results, { jobId });
  };
  const first = { steady: await run('steady'), drifting: await run('drifting') };
  expect(await rerunSampled(platform, caller), 'nothing was hit yet').toEqual({ submitted: [], refused: [] });
  const hits = { steady: await run('steady'), drifting: await run('drifting') };
  expect(hits.steady.canonical_job_id).toBe(first.steady.job_id);
  await platform.cache.flush();
  affinities.drifting = -8;

  const { submitted, refused } = await rerunSampled(platform, caller);
  expect(refused).toEqual([]);
  expect(submitted.map(({ canonicalJobId }) => canonicalJobId).sort()).toEqual(
    [first.steady.job_id, first.drifting.job_id].sort(),
  );
  expect(await rerunSampled(platform, caller), 'each mark is answered once').toEqual({ submitted: [], refused: [] });
  for (const { jobId } of submitted) {
    expect(await waitForJob(platform, caller, { jobId })).toBe('COMPLETED');
    expect(await getJob(results, { jobId })).toMatchObject({ priority: -2_147_483_648, canonical_job_id: null });
  }
  const states = await Promise.all(
    submitted.flatMap(({ canonicalJobId, cacheKeys }) =>
      cacheKeys.map(
        async (cacheKey) => [canonicalJobId, (await findCacheEntry(results, { cacheKey }))?.state] as const,
      ),
    ),
  );
  for (const [jobId, state] of states) expect(state).toBe(jobId === first.drifting.job_id ? 'drifted' : 'served');
  expect((await run('steady')).canonical_job_id).toBe(first.steady.job_id);
  expect((await run('drifting')).canonical_job_id, 'computed anew').toBeNull();
});
