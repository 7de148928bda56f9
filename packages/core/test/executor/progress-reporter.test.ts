import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createProgressReporter } from '../../src/executor/progress-reporter.ts';

test('rising fractions are reported one at a time, what is no progress is not', async () => {
  const seen: number[] = [];
  const report = createProgressReporter({ everyMs: 0, report: async (fraction) => void seen.push(fraction) });
  for (const fraction of [Number.NaN, 0.2, 0.1, 2, 0.5, 0.5]) {
    report(fraction);
    await setTimeout(1);
  }
  expect(seen).toEqual([0.2, 0.5]);
});

test('a report that cannot be written is dropped, and the next one is made', async () => {
  let calls = 0;
  const report = createProgressReporter({
    everyMs: 0,
    report: async () => {
      calls++;
      throw new RangeError('the lease is lost');
    },
  });
  report(0.1);
  // A rejection that nobody handled would end this process, and fails the test run.
  await setTimeout(10);
  report(0.2);
  await setTimeout(10);
  expect(calls).toBe(2);
});
