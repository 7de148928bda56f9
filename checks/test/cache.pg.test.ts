import { expect, test } from 'vitest';
import { CACHE_CHECKS } from '../cache/index.ts';

async function run(name: string): Promise<string> {
  const check = await CACHE_CHECKS[name]?.();
  const printed: string[] = [];
  const outcome = await check?.run('small', (text) => void printed.push(text));
  expect({ passed: outcome?.passed, said: [outcome?.line, ...printed] }).toMatchObject({ passed: true });
  return outcome?.line ?? '';
}

test('equal values have equal keys, any change another one, and what is no plain JSON is refused', async () => {
  expect(await run('signature')).toMatch(/^signature /);
}, 120_000);

test('equal work of many jobs in many processes is done once, also when the process that does it is killed', async () => {
  expect(await run('flight')).toMatch(
    /^flight 24\/24 jobs right; 12 of 3 processes made 1 call at most .* in 1 rounds, [12] at most in 1 rounds/,
  );
}, 120_000);

test('of entries that were harmed in any way none is served', async () => {
  expect(await run('corruption')).toMatch(/^corruption /);
}, 120_000);

test('each component of a key that alone is changed is the one that is named', async () => {
  expect(await run('explain')).toMatch(/^explain /);
}, 120_000);
