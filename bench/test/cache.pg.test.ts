import { expect, test } from 'vitest';
import { contestCachedJob } from '../cache/cached-job/contest-cached-job.ts';
import { CONTESTS } from '../cache/contests.ts';
import { formatRows } from '../cache/report.ts';

test('a cached job is answered by the cache, beside single statements', async () => {
  const said: string[] = [];
  const { rows, goals } = await contestCachedJob((line) => said.push(line), { jobs: 10 });
  expect(rows.map(([what]) => what)).toContain(
    'a cached job of three steps, submitted and answered as COMPLETED, durable',
  );
  for (const [, p50] of rows.slice(1)) expect(Number(p50)).toBeGreaterThan(0);
  expect(goals).toEqual([expect.objectContaining({ found: expect.any(Number), wanted: '≤ 3' })]);
  expect(formatRows({ rows })).toContain('p50 ms');
  // Each statement is a round trip; the one that accepts the job is sent once for each.
  expect(said).toContainEqual(expect.stringMatching(/^submit: 1\.00× .*insert into .*jobs/i));
}, 120_000);

test('every contest can be loaded', async () => {
  for (const load of Object.values(CONTESTS)) expect(await load()).toEqual(expect.any(Function));
});
