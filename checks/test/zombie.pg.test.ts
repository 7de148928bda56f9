import { expect, test } from 'vitest';
import { zombieCheck } from '../executor/zombie.ts';

test('an executor that was stopped past its leases has every late write refused', async () => {
  const printed: string[] = [];
  const { passed, line, figures } = await zombieCheck.run('small', (text) => void printed.push(text));
  expect(printed).toEqual([]);
  expect(line).toMatch(/^zombie 5\/5 refused/);
  expect(passed).toBe(true);
  expect(figures).toMatchObject({ tried: 5, refused: 5, faults: 0 });
}, 120_000);
