import { expect, test } from 'vitest';
import { checkDockingInput } from '../../src/engine/check-docking-input.ts';
import { pdbqtAtom } from '../structures.ts';

const receptorPdbqt = `${pdbqtAtom(1, 'C', [0, 0, 0])}\n${pdbqtAtom(2, 'OA', [10, 0, 0])}\n`;
const ligandPdbqt = [
  'ROOT',
  pdbqtAtom(1, 'C', [0, 0, 0]),
  pdbqtAtom(2, 'C', [9, 0, 0]),
  'ENDROOT',
  'TORSDOF 0',
  '',
].join('\n');
const cube = (size: number, x = 0) => ({ center: { x, y: 0, z: 0 }, size: { x: size, y: size, z: size } });
const good = { receptorPdbqt, ligandPdbqt, box: cube(20) };

test('a box on the receptor is accepted, also an empty one that its atoms can reach', () => {
  expect(() => checkDockingInput(good)).not.toThrow();
  expect(() => checkDockingInput({ ...good, box: cube(8, -7.9) })).not.toThrow();
});

test('a box that misses the receptor says where the receptor is', () => {
  expect(() => checkDockingInput({ ...good, box: cube(20, 500) })).toThrow(
    /no poses: the box misses the receptor \(center 500, 0, 0; size 20 × 20 × 20 Å\); the receptor lies between x 0.0 and 10.0.*center the box on the binding site/,
  );
});

test('a rigid ligand longer than the diagonal of the box is told before Vina runs', () => {
  expect(() => checkDockingInput({ ...good, box: cube(5) })).toThrow(
    /larger than the box: a rigid part of it is 9.0 Å long/,
  );
});

test.each([
  ['a box of size 0', { box: cube(0) }, 'MAD_DOCKING_INVALID_BOX'],
  ['an empty receptor', { receptorPdbqt: '\n' }, 'MAD_DOCKING_INVALID_RECEPTOR'],
  ['a receptor that is a ligand', { receptorPdbqt: ligandPdbqt }, 'MAD_DOCKING_INVALID_RECEPTOR'],
  [
    'a receptor of several models',
    { receptorPdbqt: `MODEL 1\n${receptorPdbqt}ENDMDL\n` },
    'MAD_DOCKING_INVALID_RECEPTOR',
  ],
  [
    'a receptor atom without place',
    { receptorPdbqt: pdbqtAtom(1, 'C', [Number.NaN, 0, 0]) },
    'MAD_DOCKING_INVALID_RECEPTOR',
  ],
  ['a page instead of a ligand', { ligandPdbqt: '<html>' }, 'MAD_DOCKING_INVALID_LIGAND'],
  ['a ligand of two fragments', { ligandPdbqt: ligandPdbqt + ligandPdbqt }, 'MAD_DOCKING_INVALID_LIGAND'],
  ['a ligand of several models', { ligandPdbqt: `MODEL 1\n${ligandPdbqt}ENDMDL\n` }, 'MAD_DOCKING_INVALID_LIGAND'],
  ['a ligand atom without place', { ligandPdbqt: ligandPdbqt.replace('9.000', '  nan') }, 'MAD_DOCKING_INVALID_LIGAND'],
])('%s is refused', (_, facts, code) => {
  expect(() => checkDockingInput({ ...good, ...facts })).toThrow(expect.objectContaining({ code }));
});
