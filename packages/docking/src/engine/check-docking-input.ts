import { type Box, boxSchema, depthInBox, describeBox } from '../box/box.ts';
import { InvalidBoxError, InvalidLigandError, InvalidReceptorError, NoPosesError } from '../errors.ts';
import type { Point } from '../molecule/atom.ts';
import { isAtomRecord, parsePdbqtAtom, parsePdbqtAtoms } from '../molecule/pdbqt.ts';

/** Farther than this, in ångström, from a box no receptor atom can touch a ligand atom in it. */
const contact = 4;

export interface DockingInput {
  readonly receptorPdbqt: string;
  readonly ligandPdbqt: string;
  readonly box: Box;
}

/**
 * Finds what Vina would not tell: on an empty receptor, on a box beside the receptor and on a ligand that is larger than the box it exits 0 with scores
 * that mean nothing.
 * @throws {InvalidBoxError} {InvalidReceptorError} {InvalidLigandError} {NoPosesError}
 */
export function checkDockingInput({ receptorPdbqt, ligandPdbqt, box }: DockingInput): void {
  checkBox(box);
  const receptor = checkReceptor(receptorPdbqt);
  checkLigand(ligandPdbqt);
  if (!receptor.some((atom) => depthInBox(atom, box) >= -contact)) {
    const advice = `the receptor lies between ${describeSpan(receptor)}; center the box on the binding site, for example on a crystal ligand`;
    throw new NoPosesError({ problem: 'the box misses the receptor', box: describeBox(box), advice });
  }
  const longest = longestRigidDistance(ligandPdbqt);
  const diagonal = Math.hypot(box.size.x, box.size.y, box.size.z);
  if (longest > diagonal) {
    const advice = 'enlarge the box to 20 Å or more on each side';
    throw new NoPosesError({
      problem: `the ligand is larger than the box: a rigid part of it is ${longest.toFixed(1)} Å long`,
      box: describeBox(box),
      advice,
    });
  }
}

function checkBox(box: Box): void {
  const { error } = boxSchema.safeParse(box);
  const [issue] = error?.issues ?? [];
  if (issue) throw new InvalidBoxError({ problem: `${issue.path.join('.')}: ${issue.message}` });
}

function checkReceptor(pdbqt: string): Point[] {
  const advice = 'prepare it from a PDB file';
  if (/^(ROOT|BRANCH|TORSDOF)\b/m.test(pdbqt))
    throw new InvalidReceptorError({ problem: 'its PDBQT is a flexible ligand', advice });
  if (/^MODEL\b/m.test(pdbqt)) throw new InvalidReceptorError({ problem: 'its PDBQT holds several models', advice });
  const atoms = parsePdbqtAtoms(pdbqt);
  if (atoms.length === 0) throw new InvalidReceptorError({ problem: 'its PDBQT holds no atoms', advice });
  if (!atoms.every(({ x, y, z }) => Number.isFinite(x + y + z)))
    throw new InvalidReceptorError({ problem: 'an atom of its PDBQT has no coordinates', advice });
  return atoms;
}

function checkLigand(pdbqt: string): void {
  const advice = 'prepare it from its SMILES';
  const roots = pdbqt.match(/^ROOT\b/gm)?.length ?? 0;
  if (/^MODEL\b/m.test(pdbqt))
    throw new InvalidLigandError({
      problem: 'its PDBQT holds several models',
      advice: 'give one ligand, without MODEL records',
    });
  const atoms = parsePdbqtAtoms(pdbqt);
  if (atoms.length === 0) throw new InvalidLigandError({ problem: 'its PDBQT holds no atoms', advice });
  if (roots !== 1)
    throw new InvalidLigandError({ problem: `its PDBQT has ${roots} ROOT blocks instead of one`, advice });
  if (!atoms.every(({ x, y, z }) => Number.isFinite(x + y + z)))
    throw new InvalidLigandError({ problem: 'an atom of its PDBQT has no coordinates', advice });
}

/** The parts between BRANCH records turn against each other but keep their own shape: no search can make one shorter. */
function longestRigidDistance(pdbqt: string): number {
  const parts = pdbqt
    .split(/^(?:BRANCH|ENDBRANCH).*$/m)
    .map((part) => part.split(/\r?\n/).filter(isAtomRecord).map(parsePdbqtAtom));
  let longest = 0;
  for (const atoms of parts) {
    const heavy = atoms.filter(({ element }) => element !== 'H');
    for (const a of heavy)
      for (const b of heavy) longest = Math.max(longest, Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z));
  }
  return longest;
}

function describeSpan(points: readonly Point[]): string {
  const axis = (name: 'x' | 'y' | 'z') => {
    const values = points.map((point) => point[name]);
    return `${name} ${values.reduce((a, b) => Math.min(a, b)).toFixed(1)} and ${values.reduce((a, b) => Math.max(a, b)).toFixed(1)}`;
  };
  return [axis('x'), axis('y'), axis('z')].join(', ');
}
