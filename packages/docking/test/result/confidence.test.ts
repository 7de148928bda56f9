import { parseVinaPdbqt, scoreVinaConfidence } from '@mad/docking';
import { expect, test } from 'vitest';
import { model, pdbqtAtom } from '../structures.ts';

const box = { center: { x: 0, y: 0, z: 0 }, size: { x: 20, y: 20, z: 20 } };

function run(affinity: number, x = 0) {
  const lines = ['ROOT', pdbqtAtom(1, 'C', [x, 0, 0]), pdbqtAtom(2, 'OA', [x + 1.4, 0, 0]), 'ENDROOT', 'TORSDOF 0'];
  return parseVinaPdbqt(model({ number: 1, scores: `  ${affinity.toFixed(3)}      0.000      0.000`, lines }));
}

test('one plausible run is not scored', () => {
  expect(scoreVinaConfidence({ runs: [run(-8)], box })).toBeNull();
});

test.each([
  ['an affinity above 0', run(0.1)],
  ['an affinity below -25', run(-25.1)],
  ['a pose on the wall of the box', run(-8, 8.55)],
  ['a pose outside of the box', run(-8, 30)],
  ['no pose', []],
])('%s has confidence 0', (_, poses) => {
  expect(scoreVinaConfidence({ runs: [poses], box })).toBe(0);
});

test('repeated seeds score the share that agrees with the best within 2 Å and 0.5 kcal/mol', () => {
  const runs = [run(-7.6, 1.9), run(-8), run(-7.4), run(-7.9, 2.5), run(-7.5)];
  expect(scoreVinaConfidence({ runs, box })).toBe(0.5);
  expect(scoreVinaConfidence({ runs: [run(-8), run(-8, 5)], box })).toBe(0);
  expect(scoreVinaConfidence({ runs: [run(-8), run(-8)], box })).toBe(1);
});
