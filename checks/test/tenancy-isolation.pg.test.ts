import { expect, test } from 'vitest';
import { isolationCheck } from '../tenancy/isolation.ts';

test('no call with the ids of another organization is told anything of it, or changes it', async () => {
  const printed: string[] = [];
  const { passed, line } = await isolationCheck.run('small', (text) => void printed.push(text));
  expect({ passed, said: [line, ...printed] }).toMatchObject({ passed: true });
  expect(line).toMatch(/^isolation 0 leaks of \d{3,} /);
}, 300_000);
