import { expect, test } from 'vitest';
import { assignWaves, type FleetWave } from '../../src/fleet/assign-waves.ts';

const ten = Array.from({ length: 10 }, (_, index) => `org ${index}`);
const sizes = (waves: readonly FleetWave[], orgIds = ten): number[] =>
  waves.map((_, index) => assignWaves(orgIds, waves).filter(({ wave }) => wave === index).length);

test('a percentage counts the waves before and is rounded up', () => {
  expect(sizes([{ count: 1 }, { percent: 25 }, { percent: 100 }])).toEqual([1, 2, 7]);
  expect(sizes([{ count: 4 }, { percent: 25 }, { percent: 100 }])).toEqual([4, 0, 6]);
  expect(sizes([{ percent: 0.1 }, { percent: 50 }])).toEqual([1, 4]);
});

test('named organizations come in their wave, once, unless an earlier one took them', () => {
  const waves = [{ organizations: ['org 7', 'org 7', 'up to date'] }, { count: 2 }, { percent: 100 }];
  const members = assignWaves(ten, waves);
  expect(members.slice(0, 3)).toEqual([
    { orgId: 'org 7', wave: 0 },
    { orgId: 'org 0', wave: 1 },
    { orgId: 'org 1', wave: 1 },
  ]);
  expect(new Set(members.map(({ orgId }) => orgId)).size).toBe(10);
});

test('nobody is behind: no members', () => {
  expect(assignWaves([], [{ count: 1 }, { percent: 100 }])).toEqual([]);
});
