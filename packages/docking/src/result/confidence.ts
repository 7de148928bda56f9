import { type Box, depthInBox } from '../box/box.ts';
import { heavyAtomRmsd } from './heavy-atom-rmsd.ts';
import type { Pose } from './pose.ts';

/** Affinities outside of this range, in kcal/mol, are artefacts: no ligand binds better, and above 0 none binds. */
const plausible = { lowest: -25, highest: 0 };

/** Best poses of two seeds agree within this RMSD in ångström and this difference in kcal/mol. */
const agreement = { rmsd: 2, affinity: 0.5 };

/** A heavy atom closer to the wall than this, in ångström, was held by the box and not by the receptor. */
const wall = 0.1;

export interface ScoreVinaConfidence {
  /** One list of poses for each seed, of the same receptor, ligand and box. */
  readonly runs: readonly (readonly Pose[])[];
  readonly box: Box;
}

/**
 * How far a docking result can be relied on, 0 to 1; null = not scored. 0 when the best pose is implausible (affinity above 0 or below −25 kcal/mol, or a
 * pose on the wall of the box). One run alone gives null. Of several seeds: the share of the others whose best pose agrees with the best of all
 * within 2 Å and 0.5 kcal/mol.
 */
export function scoreVinaConfidence({ runs, box }: ScoreVinaConfidence): number | null {
  const bests = runs.flatMap((poses) => poses[0] ?? []).sort((a, b) => a.affinity - b.affinity);
  const [best, ...others] = bests;
  if (!best || bests.length < runs.length || !isPlausible(best, box)) return 0;
  if (others.length === 0) return null;
  return others.filter((other) => agree(best, other)).length / others.length;
}

function isPlausible({ affinity, atoms }: Pose, box: Box): boolean {
  const inRange = affinity >= plausible.lowest && affinity <= plausible.highest;
  return inRange && atoms.every((atom) => atom.element === 'H' || depthInBox(atom, box) >= wall);
}

function agree(best: Pose, other: Pose): boolean {
  return Math.abs(best.affinity - other.affinity) <= agreement.affinity && heavyAtomRmsd(other, best) <= agreement.rmsd;
}
