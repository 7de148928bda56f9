import { expect, test } from 'vitest';
import { costCheck } from '../tenancy/cost.ts';
import { provisioningCheck } from '../tenancy/provisioning.ts';

test('organizations whose provisioning is killed are finished or taken back, and leave nothing', async () => {
  const printed: string[] = [];
  const { passed, line } = await provisioningCheck.run('small', (text) => void printed.push(text));
  expect(printed).toEqual([]);
  expect(line).toBe('provisioning killed 4 times, 4/4 finished or taken back, 0 orphans');
  expect(passed).toBe(true);
}, 120_000);

// A handful beside other tests tells that it can be measured, not how fast it is.
test('what an organization costs is told beside the bare statements', async () => {
  const { line } = await costCheck.run('small', () => {});
  expect(line).toMatch(/^cost database ×1 [\d.]+\/s of [\d.]+\/s bare .*; from the warm pool [\d.]+ ms/);
}, 120_000);
