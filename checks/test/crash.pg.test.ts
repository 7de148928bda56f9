import { expect, test } from 'vitest';
import { crashCheck } from '../executor/crash.ts';

test('jobs whose executor is killed on their way end once, whole, and repeat no committed step', async () => {
  const printed: string[] = [];
  const { passed, line, figures } = await crashCheck.run('small', (text) => void printed.push(text));
  expect(printed).toEqual([]);
  expect(line).toMatch(/^crash 4\/4, lost 0, doubled 0;/);
  expect(passed).toBe(true);
  expect(figures).toMatchObject({ survived: 4, lost: 0, doubled: 0 });
}, 120_000);
