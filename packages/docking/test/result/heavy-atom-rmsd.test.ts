import { readFileSync } from 'node:fs';
import { type Atom, findCrystalLigand, heavyAtomRmsd, parseVinaPdbqt, StructureMismatchError } from '@mad/docking';
import { describe, expect, test } from 'vitest';
import { atom, auroraA } from '../structures.ts';

/** A benzene ring in the xy plane with one substituent at each end of its long axis: `X-C6H4-Y`. */
function paraRing(left: string, right: string): Atom[] {
  const corners = [180, 120, 60, 0, 300, 240].map((degrees) => {
    const angle = (degrees * Math.PI) / 180;
    return atom('C', [1.39 * Math.cos(angle), 1.39 * Math.sin(angle), 0]);
  });
  return [atom(left, [-2.8, 0, 0]), ...corners, atom(right, [2.8, 0, 0])];
}

const place = (structure: readonly Atom[], move: (atom: Atom) => Partial<Atom>) => ({
  atoms: structure.map((one) => ({ ...one, ...move(one) })),
});
const acetate = [atom('C', [0, 0, 0]), atom('C', [1.5, 0, 0]), atom('O', [2.1, 1.1, 0]), atom('O', [2.1, -1.1, 0])];

describe('heavyAtomRmsd', () => {
  test('a molecule in its own place has 0, moved by 1 Å it has 1', () => {
    const ligand = findCrystalLigand(auroraA, { residueName: 'SKE' });
    const atoms = ligand?.atoms ?? [];
    expect(heavyAtomRmsd({ atoms }, { atoms })).toBe(0);
    expect(
      heavyAtomRmsd(
        place(atoms, ({ x }) => ({ x: x + 1 })),
        { atoms },
      ),
    ).toBeCloseTo(1, 6);
  });

  test('a pose of Vina is matched with the crystal ligand, whose atoms have another order and no hydrogens', () => {
    const file = new URL('./poses/5dt0-jnj-7706621.pdbqt', import.meta.url);
    const crystal = findCrystalLigand(auroraA, { residueName: 'SKE' });
    const rmsds = parseVinaPdbqt(readFileSync(file, 'utf8')).map((pose) => crystal && heavyAtomRmsd(pose, crystal));
    expect(rmsds).toEqual([expect.closeTo(0.502, 3), expect.closeTo(7.4, 0)]);
  });

  test('a para-substituted ring turned about its axis is in the same place', () => {
    const ring = paraRing('N', 'S');
    expect(
      heavyAtomRmsd(
        place(ring, ({ y }) => ({ y: -y })),
        { atoms: ring },
      ),
    ).toBeCloseTo(0, 6);
  });

  test('the same ring turned end to end is not, when its ends differ', () => {
    const turned = (left: string, right: string) =>
      heavyAtomRmsd(
        place(paraRing(left, right), ({ x }) => ({ x: -x })),
        { atoms: paraRing(left, right) },
      );
    expect(turned('N', 'N')).toBeCloseTo(0, 6);
    expect(turned('N', 'O')).toBeGreaterThan(2);
  });

  test('the oxygens of a carboxylate stand for each other', () => {
    expect(
      heavyAtomRmsd(
        place(acetate, ({ y }) => ({ y: -y })),
        { atoms: acetate },
      ),
    ).toBeCloseTo(0, 6);
  });

  test('the order of atoms does not matter, and hydrogens do not count', () => {
    const withHydrogen = { atoms: [...acetate.toReversed(), atom('H', [9, 9, 9])] };
    expect(heavyAtomRmsd(withHydrogen, { atoms: acetate })).toBeCloseTo(0, 6);
  });

  test('atoms are not matched by place against their bonds', () => {
    const chain = ['C', 'C', 'C', 'O'].map((element, index) => atom(element, [index * 1.5, 0, 0]));
    const reversed = place(chain, ({ x }) => ({ x: 4.5 - x }));
    expect(heavyAtomRmsd(reversed, { atoms: chain })).toBeCloseTo(Math.sqrt((4.5 ** 2 + 1.5 ** 2) / 2), 6);
  });

  test('one half of a ring does not turn without the other', () => {
    const bonds = [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 6],
      [6, 1],
      [4, 7],
    ] as const;
    const ring = paraRing('N', 'S');
    const crossed = ring.map((one, index) => (index === 2 || index === 6 ? { ...one, y: -one.y } : one));
    expect(heavyAtomRmsd({ atoms: crossed, bonds }, { atoms: ring, bonds })).toBeGreaterThan(1);
  });

  test('a molecule with millions of symmetries is answered at once', () => {
    const bonds: [number, number][] = [];
    const atoms: Atom[] = [];
    for (let arm = 0; arm < 9; arm++) {
      const center = atoms.push(atom('C', [arm * 1.5, 0, 0])) - 1;
      if (arm > 0) bonds.push([center - 4, center]);
      for (const [y, z] of [
        [1.2, 0],
        [-0.6, 1],
        [-0.6, -1],
      ] as const)
        bonds.push([center, atoms.push(atom('F', [arm * 1.5, y, z])) - 1]);
    }
    const started = performance.now();
    expect(
      heavyAtomRmsd({ ...place(atoms, ({ y, z }) => ({ y: -y, z: z + 3 })), bonds }, { atoms, bonds }),
    ).toBeGreaterThan(2);
    expect(performance.now() - started).toBeLessThan(500);
  });

  test.each([
    ['fewer atoms', acetate.slice(0, 3), /3 heavy atoms, the reference 4/],
    ['another element', [...acetate.slice(0, 3), atom('N', [2.1, -1.1, 0])], /elements or bonds differ/],
    [
      'other bonds',
      [atom('C', [0, 0, 0]), atom('O', [1.4, 0, 0]), atom('C', [2.8, 0, 0]), atom('O', [4.2, 0, 0])],
      /elements or bonds differ/,
    ],
    ['no atoms', [], /0 heavy atoms/],
  ])('a structure with %s is another molecule', (_, atoms, reason) => {
    expect(() => heavyAtomRmsd({ atoms }, { atoms: acetate })).toThrow(StructureMismatchError);
    expect(() => heavyAtomRmsd({ atoms }, { atoms: acetate })).toThrow(reason);
  });
});
