import { type Atom, type Bond, distance } from './atom.ts';
import { covalentRadius } from './element.ts';

/** Slack over the sum of two covalent radii: wide enough for a crystal at 3 Å resolution, narrower than any 1–3 distance. */
const slack = 0.4;

/** Bonds between atoms that are as close as covalent bonds are; orders are not told. */
export function perceiveBonds(atoms: readonly Atom[]): Bond[] {
  const bonds: Bond[] = [];
  for (const [i, a] of atoms.entries()) {
    for (const [j, b] of atoms.entries()) {
      if (j > i && distance(a, b) <= covalentRadius(a.element) + covalentRadius(b.element) + slack) bonds.push([i, j]);
    }
  }
  return bonds;
}
