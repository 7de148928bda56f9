import { expect, test } from 'vitest';
import { fairShareCheck } from '../executor/fair-share.ts';

test('an organization that comes later waits for no more than two jobs of the one that came first, and no limit is passed', async () => {
  const { passed, line } = await fairShareCheck.run('small', () => {});
  expect(line).toMatch(/^fair-share in-process.* pg-boss, 2 processes: /);
  expect(passed, line).toBe(true);
}, 120_000);
