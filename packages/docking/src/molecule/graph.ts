import type { Atom, Structure } from './atom.ts';
import { perceiveBonds } from './bonds.ts';

/** The heavy atoms of a molecule and which of them are bonded; bond orders are not told. */
export interface MoleculeGraph {
  readonly atoms: readonly Atom[];
  /** For each atom the places of its neighbours. */
  readonly neighbours: readonly ReadonlySet<number>[];
}

/** The graph of a structure's heavy atoms, in its order. */
export function createMoleculeGraph({ atoms, bonds = perceiveBonds(atoms) }: Structure): MoleculeGraph {
  const heavy = atoms.flatMap(({ element }, index) => (element === 'H' || element === 'X' ? [] : [index]));
  const place = new Map(heavy.map((index, at) => [index, at]));
  const neighbours = heavy.map(() => new Set<number>());
  for (const [a, b] of bonds) {
    const [i, j] = [place.get(a), place.get(b)];
    if (i === undefined || j === undefined) continue;
    neighbours[i]?.add(j);
    neighbours[j]?.add(i);
  }
  return { atoms: heavy.flatMap((index) => atoms[index] ?? []), neighbours };
}

/** Bonds that the names of atoms reach: wide enough to tell the ends of most ligands apart. */
const rounds = 8;

/** A name for each atom, equal for atoms whose surroundings are equal, in this molecule or another: atoms that a symmetry exchanges share theirs. */
export function nameAtomsBySurroundings({ atoms, neighbours }: MoleculeGraph): string[] {
  let names = atoms.map(({ element }) => element);
  for (let round = 0; round < rounds; round++) {
    names = neighbours.map((around, i) =>
      digestOf(
        `${names[i]}(${[...around]
          .map((j) => names[j])
          .sort()
          .join()})`,
      ),
    );
  }
  return names;
}

/** Two FNV-1a sums: keeps names short. Names that collide only widen a search. */
function digestOf(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x1000193;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b);
  }
  return `${(low >>> 0).toString(36)}.${(high >>> 0).toString(36)}`;
}
