import { expect, test } from 'vitest';
import type { Check } from '../check.ts';
import { runChecks } from '../run-checks.ts';

const check = (run: Check['run']): (() => Promise<Check>) => {
  return async () => ({ name: 'any', run });
};

test('a check that breaks or cannot be loaded falls short, and the others run', async () => {
  const printed: string[] = [];
  const reports = await Array.fromAsync(
    runChecks({
      size: 'small',
      print: (line) => void printed.push(line),
      checks: {
        missing: () => Promise.reject(new TypeError('there is no such file')),
        broken: check(async () => {
          throw new TypeError('no server');
        }),
        sound: check(async (size, print) => {
          print('on its way');
          return { passed: true, line: `1 of 1, ${size}`, figures: { found: 1 } };
        }),
      },
    }),
  );
  expect(reports.map(({ name, passed }) => [name, passed])).toEqual([
    ['missing', false],
    ['broken', false],
    ['sound', true],
  ]);
  expect(reports[0]?.line).toMatch(/^missing broke off: .*there is no such file/);
  expect(reports[2]).toMatchObject({ line: '1 of 1, small', figures: { found: 1 } });
  expect(printed).toEqual(['on its way']);
});
