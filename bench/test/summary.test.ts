import { describe, expect, it } from 'vitest';
import { CHAIN } from '../durable/contests.ts';
import { judge } from '../durable/goals.ts';
import type { RoundResult } from '../durable/run-contest.ts';
import { ratioOf, summarize } from '../durable/summary.ts';

const result = (round: number, jobsPerSecond: number): RoundResult => ({
  ...{ round, jobsPerSecond, seconds: 1, statements: 0.2, walBytes: 8_000, processCpuMs: 0.2, serverCpuMs: 0.4 },
  ...{ aloneMs: [2, 3, 4], acceptedMs: [1, 2, 3] },
});

describe('summaries', () => {
  const results = new Map([
    ['floor', [result(0, 1_000), result(1, 3_000), result(2, 2_000)]],
    // Its second round failed.
    ['mad', [result(0, 800), result(2, 1_000)]],
  ]);

  it('are medians over rounds', () => {
    expect(summarize(results)).toMatchObject([
      { name: 'floor', jobsPerSecond: 2_000, range: [1_000, 3_000], aloneP50: 3, acceptedP50: 2 },
      { name: 'mad', jobsPerSecond: 900 },
    ]);
  });

  it('compare two contenders round by round', () => {
    expect(ratioOf(results, 'mad', 'floor')).toBeCloseTo((0.8 + 0.5) / 2);
    expect(ratioOf(results, 'mad', 'DBOS')).toBeNaN();
  });

  it('are held against the goals; what was not measured is not met', () => {
    const goals = judge(new Map([[CHAIN, results]]));
    const of = (what: string) => goals.find((goal) => goal.what.startsWith(what));
    expect(of('speed beside the floor')).toMatchObject({ wanted: '≥ 0.6', isMet: true });
    expect(of('CPU ms a job')).toMatchObject({ isMet: true });
    expect(of('speed beside DBOS')).toMatchObject({ found: Number.NaN, isMet: false });
  });
});
