import { InvalidPosesError, parseVinaPdbqt } from '@mad/docking';
import { describe, expect, test } from 'vitest';
import { model, pdbqtAtom } from '../structures.ts';

const scores = '    -7.100      0.000      0.000';

describe('parseVinaPdbqt', () => {
  test('poses come in rank order with scores, terms and atoms', () => {
    const remarks = [
      'REMARK INTER + INTRA:         -15.118',
      'REMARK INTER:                 -14.118',
      'REMARK INTRA:                  -1.000',
      'REMARK UNBOUND:                 0.000',
    ];
    const [first, second] = parseVinaPdbqt(
      model({ number: 1, scores, remarks }) + model({ number: 2, scores: '    -6.900      1.234      2.345' }),
    );
    expect(first).toMatchObject({
      rank: 1,
      affinity: -7.1,
      rmsd_lb: 0,
      rmsd_ub: 0,
      terms: { total: -15.118, inter: -14.118, intra: -1, unbound: 0 },
    });
    expect(first?.atoms.map(({ element, x }) => [element, x])).toEqual([
      ['C', 0],
      ['O', 1.4],
    ]);
    expect(second).toMatchObject({ rank: 2, affinity: -6.9, rmsd_lb: 1.234, rmsd_ub: 2.345, terms: {} });
  });

  test.each([
    ['wide values that touch', ' 13660.123-12345.678 12345.678', [13660.123, -12345.678, 12345.678]],
    ['a value wider than its field', ' 47174830.109      0.000      0.000', [47174830.109, 0, 0]],
    ['fields of exactly 9 that touch', '-1234.567-2345.678-3456.789', [-1234.567, -2345.678, -3456.789]],
    ['one decimal, as Vina 1.1 wrote', '      -7.1      0.000      0.000', [-7.1, 0, 0]],
  ])('%s are told apart', (_, text, [affinity, lower, upper]) => {
    expect(parseVinaPdbqt(model({ number: 1, scores: text }))).toMatchObject([
      { affinity, rmsd_lb: lower, rmsd_ub: upper },
    ]);
  });

  test('CRLF, unknown remarks and blank lines change nothing', () => {
    const text = model({ number: 1, scores, remarks: ['REMARK WHO KNOWS: 7', ''] });
    expect(parseVinaPdbqt(text.replaceAll('\n', '\r\n'))).toEqual(parseVinaPdbqt(text));
  });

  test('atoms of flexible residues are kept apart from the ligand', () => {
    const lines = [
      'ROOT',
      pdbqtAtom(1, 'C', [0, 0, 0]),
      'ENDROOT',
      'TORSDOF 0',
      'BEGIN_RES LYS A 162',
      'ROOT',
      pdbqtAtom(2, 'N', [5, 0, 0]),
      'ENDROOT',
      'END_RES LYS A 162',
    ];
    const [pose] = parseVinaPdbqt(model({ number: 1, scores, lines }));
    expect([pose?.atoms.length, pose?.flexibleAtoms.length]).toEqual([1, 1]);
  });

  test('two ligands in a MODEL give all their atoms and no single molecule', () => {
    const ligand = (smiles: string) => [
      `REMARK SMILES ${smiles}`,
      'REMARK SMILES IDX 1 1',
      'ROOT',
      pdbqtAtom(1, 'C', [0, 0, 0]),
      'ENDROOT',
      'TORSDOF 0',
    ];
    const [pose] = parseVinaPdbqt(model({ number: 1, scores, lines: [...ligand('C'), ...ligand('N')] }));
    expect(pose?.atoms).toHaveLength(2);
    expect(pose?.molecule).toBeUndefined();
  });

  test("Meeko's remarks tell the molecule", () => {
    const remarks = ['REMARK SMILES CO', 'REMARK SMILES IDX 1 1', 'REMARK SMILES IDX 2 2', 'REMARK H PARENT 2 3'];
    expect(parseVinaPdbqt(model({ number: 1, scores, remarks }))[0]?.molecule).toEqual({
      smiles: 'CO',
      indices: [
        { smilesIndex: 1, serial: 1 },
        { smilesIndex: 2, serial: 2 },
      ],
    });
  });

  test.each([
    ['an empty file', ''],
    ['a page', '<html></html>'],
    ['a ligand without MODEL', 'ROOT\nENDROOT\n'],
    ['a file that was cut off', model({ number: 1, scores }).slice(0, -20)],
    ['ranks that do not begin at 1', model({ number: 2, scores })],
    ['a rank that is missing', model({ number: 1, scores }) + model({ number: 3, scores })],
    ['an affinity that is nan', model({ number: 1, scores: '       nan      0.000      0.000' })],
    ['an affinity that is infinite', model({ number: 1, scores: '       inf      0.000      0.000' })],
    ['a score that is missing', model({ number: 1, scores: '    -7.100      0.000' })],
    ['a MODEL without scores', model({ number: 1, scores }).replace('VINA RESULT', 'RESULT')],
    ['a MODEL without atoms', model({ number: 1, scores, lines: [] })],
    ['an atom without place', model({ number: 1, scores, lines: [pdbqtAtom(1, 'C', [Number.NaN, 0, 0])] })],
  ])('%s is no result', (_, text) => {
    expect(() => parseVinaPdbqt(text)).toThrow(InvalidPosesError);
  });
});
