import { expect, test } from 'vitest';
import type { Check } from '../check.ts';
import { adoptionCheck } from '../tasks/adoption.ts';
import { documentsCheck } from '../tasks/documents.ts';
import { faultsCheck } from '../tasks/faults.ts';
import { hostileCheck } from '../tasks/hostile.ts';

async function run(check: Check) {
  const printed: string[] = [];
  const { passed, line } = await check.run('small', (text) => void printed.push(text));
  expect(printed).toEqual([]);
  expect(passed).toBe(true);
  return line;
}

test('every document is registered, and its operations answer as declared', async () => {
  expect(await run(documentsCheck)).toMatch(/^documents 16 registered/);
}, 120_000);

test('every hostile document is refused with its code, and nothing is opened', async () => {
  expect(await run(hostileCheck)).toMatch(/^hostile 32\/32 .* 0 files and 0 sockets/);
}, 120_000);

test('every way in which a service misbehaves ends in time with the failure that says so', async () => {
  expect(await run(faultsCheck)).toMatch(/^faults 40\/40/);
}, 120_000);

test('work that a service took over from a process that was killed is asked for, not begun again', async () => {
  expect(await run(adoptionCheck)).toBe('adoption 3/3 killed and taken up again, 0 begun twice');
}, 120_000);
