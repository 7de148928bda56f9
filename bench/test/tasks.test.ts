import { describe, expect, it } from 'vitest';
import { NAMES } from '../tasks/contenders/index.ts';
import type { BlockedFigures, DocumentFigures } from '../tasks/document-process.ts';
import { judge, ratioOf } from '../tasks/goals.ts';
import { formatBlocked, formatCalls, formatDocument } from '../tasks/report.ts';
import { type CallsRound, runCalls } from '../tasks/run-calls.ts';
import { runInProcess } from '../tasks/run-in-process.ts';

describe('the bench of tasks', { timeout: 120_000 }, () => {
  it('lets each contender make all of its calls', async () => {
    const results = await runCalls({ contenders: NAMES, rounds: 1, calls: 100, say: () => {} });
    expect([...results.keys()]).toEqual(NAMES);
    for (const [round] of results.values()) expect(round?.callsPerSecond).toBeGreaterThan(0);
    expect(formatCalls(results)).toContain('openapi-client-axios');
  });

  it('measures documents, and how long a caller stands still', async () => {
    const blocked = await runInProcess<BlockedFigures>('document-process.ts', { measure: 'blocked' });
    expect(Object.keys(blocked)).toHaveLength(4);
    expect(formatBlocked([blocked])).toContain('ten thousand');
  });
});

describe('goals of tasks', () => {
  const round = (number: number, callsPerSecond: number): CallsRound => ({
    ...{ round: number, callsPerSecond, firstMs: 1, cpuUs: 1, p50: 1, p99: 1 },
  });
  const calls = new Map([
    ['mad', [round(0, 900), round(1, 700)]],
    ['undici.request', [round(0, 1_000), round(1, 1_000)]],
    ['openapi-fetch', [round(0, 400), round(1, 400)]],
  ]);

  it('are held against the medians of what was measured beside each other', () => {
    expect(ratioOf(calls, 'mad', 'undici.request')).toBeCloseTo(0.8);
    const goals = judge({
      calls,
      blocked: [
        { a: 10, b: 90 },
        { a: 10, b: 20 },
        { a: 10, b: 30 },
      ],
    });
    expect(goals.map(({ found, isMet }) => [found, isMet])).toEqual([
      [expect.closeTo(0.8), expect.any(Boolean)],
      [2, false],
      [30, true],
    ]);
  });

  it('are not met where nothing was measured', () => {
    const goals = judge({ calls: new Map(), blocked: [] });
    expect(goals.map(({ found, isMet }) => [found, isMet])).toEqual(Array(3).fill([Number.NaN, false]));
  });

  it('stand beside what reading a document takes', () => {
    const figures: DocumentFigures = {
      ...{ operations: 300, openCold: 1, openWarm: 2, swaggerParser: 3 },
      ...{ openapiClientAxios: 4, compileAll: 5, compileOne: 6 },
    };
    expect(formatDocument([figures])).toContain('a document of 300 operations');
  });
});
