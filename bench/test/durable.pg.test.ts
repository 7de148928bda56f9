import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchServer, startBenchServer } from '../durable/bench-server.ts';
import { findContender } from '../durable/contenders/index.ts';
import type { Contest } from '../durable/contest.ts';
import { runContest } from '../durable/run-contest.ts';

describe('the durable bench', { timeout: 180_000 }, () => {
  let server: BenchServer;
  beforeAll(async () => {
    server = await startBenchServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const small: Omit<Contest, 'contenders' | 'graph'> = {
    ...{ name: 'small', rounds: 1, jobs: 20, atATime: 5, warmUp: 2, alone: 2, aloneMs: 500 },
  };
  // Each trial is a process of its own, which takes a moment: the others are for the bench itself.
  const some = ['floor', 'mad', 'pg-boss batches'].map(findContender);

  it('lets each contender do all of its jobs', async () => {
    const said: string[] = [];
    const contest: Contest = { ...small, graph: 'chain', contenders: some };
    const results = await runContest(contest, { server, say: (line) => said.push(line) });
    expect(said.filter((line) => line.includes('FAILED'))).toEqual([]);
    expect([...results.keys()]).toEqual(some.map(({ name }) => name));
    expect(results.get('mad')?.[0]).toMatchObject({ round: 0, aloneMs: [expect.any(Number), expect.any(Number)] });
  });

  it('measures beside finished jobs, and fan-outs', async () => {
    const contest: Contest = {
      ...small,
      ...{ graph: 'fan-out', jobs: 2, alone: 0, seeded: 100 },
      contenders: some.filter(({ preparation }) => preparation === 'mad'),
    };
    const said: string[] = [];
    const results = await runContest(contest, { server, say: (line) => said.push(line) });
    expect(said.filter((line) => line.includes('FAILED'))).toEqual([]);
    for (const [round] of results.values()) expect(round?.walBytes).toBeGreaterThan(100 * 500);
    expect(results.size).toBe(2);
  });
});
