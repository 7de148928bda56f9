import { expect, test } from 'vitest';
import { fleetCheck } from '../tenancy/fleet.ts';
import { fleetCostCheck } from '../tenancy/fleet-cost.ts';

test('a fleet whose migrating process is killed again and again ends migrated, once each, and told truly', async () => {
  const printed: string[] = [];
  const { passed, line } = await fleetCheck.run('small', (text) => void printed.push(text));
  expect(printed).toEqual([]);
  expect(line).toMatch(
    /^fleet killed 2 of 2 times, 8\/8 migrated, 0 twice; the ledger true of 8\/8, \d were taken up again/,
  );
  expect(passed).toBe(true);
}, 120_000);

// A handful beside other tests tells that it can be measured, not how fast it is.
test('what a migration of the fleet costs is told beside the bare statement', async () => {
  const { line } = await fleetCostCheck.run('small', () => {});
  expect(line).toMatch(/^fleet-cost 8 databases at \d+\/s of \d+\/s bare \([\d.]+\), at least 0.5/);
}, 120_000);
