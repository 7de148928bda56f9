import { InvalidSmilesError } from '../errors.ts';
import { checkSmilesText } from '../molecule/check-smiles-text.ts';
import { withMolecule, withRdkit } from '../molecule/rdkit.ts';
import type { Pose, PoseMolecule } from './pose.ts';

/**
 * A pose as one SDF record, for viewers and other tools: bonds and bond orders of the SMILES, the pose's coordinates, affinity and rank as data
 * fields. Heavy atoms only; hydrogens are implicit. Undefined for a pose whose file does not tell the molecule.
 */
export async function poseToSdf(pose: Pose): Promise<string | undefined> {
  if (!pose.molecule) return undefined;
  const molblock = await writeMolblock(pose.molecule.smiles);
  if (!molblock) return undefined;
  const lines = molblock.split('\n');
  const atomCount = Number(lines[3]?.slice(0, 3));
  const bondCount = Number(lines[3]?.slice(3, 6));
  const places = coordinatesInSmilesOrder(pose, pose.molecule);
  const placed = lines.slice(4, 4 + atomCount).map((line, index) => (places[index] ?? '') + line.slice(30));
  if (!places.every((place, index) => place !== undefined && index < atomCount) || places.length !== atomCount)
    return undefined;
  // Wedges of RDKit's drawing mean nothing in 3D: the coordinates carry the stereochemistry.
  const bonds = lines.slice(4 + atomCount, 4 + atomCount + bondCount).map((line) => `${line.slice(0, 9)}  0`);
  const rest = lines.slice(4 + atomCount + bondCount).filter((line) => line !== '');
  const fields = Object.entries({
    rank: pose.rank,
    affinity: pose.affinity,
    rmsd_lb: pose.rmsd_lb,
    rmsd_ub: pose.rmsd_ub,
  });
  const data = fields.flatMap(([name, value]) => [`>  <${name}>`, String(value), '']);
  return [
    `pose ${pose.rank}`,
    '     mad            3D',
    '',
    lines[3],
    ...placed,
    ...bonds,
    ...rest,
    ...data,
    '$$$$',
    '',
  ].join('\n');
}

function coordinatesInSmilesOrder({ atoms }: Pose, { indices }: PoseMolecule): (string | undefined)[] {
  const bySerial = new Map(atoms.map((atom) => [atom.serial, atom]));
  const places: (string | undefined)[] = [];
  for (const { smilesIndex, serial } of indices) {
    const atom = bySerial.get(serial);
    if (atom) places[smilesIndex - 1] = [atom.x, atom.y, atom.z].map((value) => value.toFixed(4).padStart(10)).join('');
  }
  return places;
}

/** Undefined for what is no molecule: the SMILES stands in a file that anyone may have written. */
async function writeMolblock(smiles: string): Promise<string | undefined> {
  try {
    checkSmilesText(smiles);
    return await withRdkit((rdkit) => withMolecule(rdkit.get_mol(smiles), (molecule) => molecule?.get_v2Kmolblock()));
  } catch (error) {
    if (error instanceof InvalidSmilesError) return undefined;
    throw error;
  }
}
