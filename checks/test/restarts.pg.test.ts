import { expect, test } from 'vitest';
import { restartsCheck } from '../executor/restarts.ts';

test('jobs complete, each step once, while PostgreSQL crashes and is restarted', async () => {
  const { passed, line, figures } = await restartsCheck.run('small', () => {});
  expect(line).toMatch(/^restarts 100\/100 right, lost 0, doubled 0, 2 restarts/);
  expect(figures).toMatchObject({ faults: [], unmirrored: 0 });
  expect(passed).toBe(true);
}, 120_000);
