import { expect, test } from 'vitest';
import { soakCheck } from '../executor/soak.ts';

test('jobs behind one queue complete, each step once, while executors are killed and replaced', async () => {
  const { passed, line, figures } = await soakCheck.run('small', () => {});
  expect(line).toMatch(/^soak 60\/60 complete, lost 0, doubled 0, kills [12], /);
  expect(figures).toMatchObject({ faults: [], unmirrored: 0 });
  expect(passed).toBe(true);
}, 120_000);
