import { parseVinaPdbqt, poseToSdf } from '@mad/docking';
import { expect, test } from 'vitest';
import { model, pdbqtAtom } from '../structures.ts';

const scores = '    -7.100      0.000      0.000';
const lines = [
  'ROOT',
  pdbqtAtom(1, 'OA', [1.4, 0, 0]),
  pdbqtAtom(2, 'C', [0.1, 0, 0]),
  pdbqtAtom(3, 'HD', [2, 0, 0]),
  'ENDROOT',
  'TORSDOF 0',
];

test('a pose becomes an SDF record with the bonds of its SMILES and its own coordinates', async () => {
  const [pose] = parseVinaPdbqt(
    model({ number: 1, scores, lines, remarks: ['REMARK SMILES C=O', 'REMARK SMILES IDX 1 2 2 1'] }),
  );
  const sdf = pose && (await poseToSdf(pose));
  expect(sdf?.split('\n')).toEqual([
    'pose 1',
    '     mad            3D',
    '',
    '  2  1  0  0  0  0  0  0  0  0999 V2000',
    '    0.1000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0',
    '    1.4000    0.0000    0.0000 O   0  0  0  0  0  0  0  0  0  0  0  0',
    '  1  2  2  0',
    'M  END',
    '>  <rank>',
    '1',
    '',
    '>  <affinity>',
    '-7.1',
    '',
    '>  <rmsd_lb>',
    '0',
    '',
    '>  <rmsd_ub>',
    '0',
    '',
    '$$$$',
    '',
  ]);
});

test('a pose that does not tell its molecule, or not all of it, becomes none', async () => {
  const [bare] = parseVinaPdbqt(model({ number: 1, scores, lines }));
  const [partial] = parseVinaPdbqt(
    model({ number: 1, scores, lines, remarks: ['REMARK SMILES C=O', 'REMARK SMILES IDX 1 2'] }),
  );
  expect([bare && (await poseToSdf(bare)), partial && (await poseToSdf(partial))]).toEqual([undefined, undefined]);
});

test('a file with a molecule that RDKit cannot bear gives no SDF, and the next pose does', async () => {
  const sdfOf = async (smiles: string) => {
    const remarks = [`REMARK SMILES ${smiles}`, 'REMARK SMILES IDX 1 2 2 1'];
    const [pose] = parseVinaPdbqt(model({ number: 1, scores, lines, remarks }));
    return pose && poseToSdf(pose);
  };
  expect(await sdfOf('C'.repeat(1200))).toBeUndefined();
  expect(await sdfOf('C=O')).toContain('M  END');
});
