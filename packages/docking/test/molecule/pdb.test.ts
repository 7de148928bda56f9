import { findCrystalLigand, InvalidReceptorError, parsePdbAtoms } from '@mad/docking';
import { describe, expect, test } from 'vitest';
import { auroraA } from '../structures.ts';

const record = (name: string, { altLoc = ' ', occupancy = '1.00', kind = 'ATOM  ', residue = 'ALA', rest = '' } = {}) =>
  `${kind}    1 ${name}${altLoc}${residue} A   7      11.104   6.134  -6.504  ${occupancy}  0.00      ${rest}`;

describe('parsePdbAtoms', () => {
  test('an atom has its fields by column, with CRLF line ends too', () => {
    expect(parsePdbAtoms(`${record(' CA ', { rest: '     C  ' })}\r\nEND\r\n`)).toMatchObject([
      {
        name: 'CA',
        element: 'C',
        residueName: 'ALA',
        chain: 'A',
        residueNumber: '7',
        x: 11.104,
        y: 6.134,
        z: -6.504,
        hetero: false,
      },
    ]);
  });

  test('a line that ends after the coordinates is an atom', () => {
    expect(parsePdbAtoms(record(' N  ').slice(0, 54))).toMatchObject([{ element: 'N', occupancy: 1 }]);
  });

  test.each([
    [' CA ', 'ATOM  ', 'C'],
    ['CA  ', 'HETATM', 'Ca'],
    ['ZN  ', 'HETATM', 'Zn'],
    ['CL1 ', 'HETATM', 'Cl'],
    ['HG11', 'ATOM  ', 'H'],
    ['1HB ', 'ATOM  ', 'H'],
    ['C15 ', 'HETATM', 'C'],
  ])('without an element column %j in %s is %s', (name, kind, element) => {
    expect(parsePdbAtoms(record(name, { kind }))[0]?.element).toBe(element);
  });

  test('of alternate locations the most occupied one is kept, the first on a tie', () => {
    const shares = (a: string, b: string) =>
      [' N  ', ' CA '].flatMap((name) => [
        record(name, { altLoc: 'A', occupancy: a }),
        record(name, { altLoc: 'B', occupancy: b }),
      ]);
    const kept = (lines: string[]) => parsePdbAtoms(lines.join('\n')).map(({ altLoc }) => altLoc);
    expect(kept(shares('0.40', '0.60'))).toEqual(['B', 'B']);
    expect(kept(shares('0.50', '0.50'))).toEqual(['A', 'A']);
  });

  test('only the first model is read', () => {
    expect(
      parsePdbAtoms(
        ['MODEL        1', record(' N  '), 'ENDMDL', 'MODEL        2', record(' N  '), 'ENDMDL'].join('\n'),
      ),
    ).toHaveLength(1);
  });

  test.each([
    ['data_5DT0\n_entry.id 5DT0\n', /mmCIF, not PDB/],
    ['<!DOCTYPE html><html>', /HTML, not PDB/],
    [record(' N  ').replace('11.104', ' x.y  '), /line 1 .* no coordinates/],
  ])('%j is refused', (text, reason) => {
    expect(() => parsePdbAtoms(text)).toThrow(InvalidReceptorError);
    expect(() => parsePdbAtoms(text)).toThrow(reason);
  });
});

describe('findCrystalLigand', () => {
  test('the ligand of 5DT0 is found with all its atoms', () => {
    const ligand = findCrystalLigand(auroraA, { residueName: 'ske' });
    const elements = Object.groupBy(ligand?.atoms ?? [], ({ element }) => element);
    expect(Object.fromEntries(Object.entries(elements).map(([element, atoms]) => [element, atoms?.length]))).toEqual({
      C: 15,
      F: 2,
      N: 6,
      O: 3,
      S: 1,
    });
    expect(ligand).toMatchObject({ residueName: 'SKE', chain: 'A', residueNumber: '401' });
  });

  test('a ligand or chain that is not there is not found', () => {
    expect(findCrystalLigand(auroraA, { residueName: 'ATP' })).toBeUndefined();
    expect(findCrystalLigand(auroraA, { residueName: 'SKE', chain: 'B' })).toBeUndefined();
  });
});
