import { StructureMismatchError } from '../errors.ts';
import type { Structure } from '../molecule/atom.ts';
import { createMoleculeGraph } from '../molecule/graph.ts';
import { findClosestMatch } from './closest-match.ts';

/**
 * The RMSD in ångström between two placements of one molecule: heavy atoms, no superposition, the smallest over all ways in which the atoms can
 * correspond, so that a flipped phenyl ring or the two oxygens of a carboxylate do not count. Atoms correspond by element and bonds; bond orders
 * and hydrogens are not compared, since crystal structures and poses lack them.
 * @throws {StructureMismatchError} when the two are not the same molecule.
 */
export function heavyAtomRmsd(pose: Structure, reference: Structure): number {
  const [from, to] = [createMoleculeGraph(pose), createMoleculeGraph(reference)];
  const [count, expected] = [from.atoms.length, to.atoms.length];
  const squares = count === 0 ? undefined : findClosestMatch(from, to);
  if (squares !== undefined) return Math.sqrt(squares / count);
  const problem =
    count === expected
      ? 'their elements or bonds differ'
      : `the pose has ${count} heavy atoms, the reference ${expected}`;
  throw new StructureMismatchError({ problem, details: { poseHeavyAtoms: count, referenceHeavyAtoms: expected } });
}
