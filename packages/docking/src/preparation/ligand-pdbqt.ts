import { InvalidLigandError } from '../errors.ts';
import { type Atom, distance } from '../molecule/atom.ts';
import { isAtomRecord, isCompletePdbqtAtom, type PdbqtAtom, parsePdbqtAtoms } from '../molecule/pdbqt.ts';

/** PDBQT keeps three decimals of a coordinate, a molfile four. */
const roundingSlack = 0.002;

export interface LigandIdentity {
  readonly canonicalSmiles: string;
  /** Atoms of the 3D structure that the PDBQT was made of. */
  readonly atoms: readonly Atom[];
  /** For each atom of the SMILES, its place in `atoms`. */
  readonly smilesOrder: readonly number[];
}

/**
 * Checks what Open Babel wrote, whose exit code tells nothing: one ROOT, every heavy atom in its place, charges and types that are there.
 * @throws {InvalidLigandError}
 */
export function checkLigandPdbqt(pdbqt: string, atoms: readonly Atom[]): void {
  const problem = findProblem(pdbqt, atoms);
  if (problem)
    throw new InvalidLigandError({ problem, advice: 'leave this ligand out, or prepare its PDBQT by other means' });
}

function findProblem(pdbqt: string, atoms: readonly Atom[]): string | undefined {
  const isHeavy = ({ element }: Atom) => element !== 'H';
  const written = parsePdbqtAtoms(pdbqt);
  const roots = pdbqt.match(/^ROOT\s*$/gm)?.length ?? 0;
  if (roots !== 1) return `Open Babel made ${roots} ROOT blocks of it instead of one`;
  const [kept, wanted] = [written.filter(isHeavy).length, atoms.filter(isHeavy).length];
  if (kept !== wanted) return `Open Babel kept ${kept} of its ${wanted} heavy atoms`;
  if (!written.every(isCompletePdbqtAtom)) return 'Open Babel wrote atoms without coordinates, charge or type';
  const flat = written.length > 1 && written.every(({ x, y, z }) => x === 0 && y === 0 && z === 0);
  return flat ? 'all its coordinates are zero' : undefined;
}

/**
 * Puts the molecule into the PDBQT, in the remarks that Meeko defined: `SMILES`, `SMILES IDX` (pairs of SMILES atom and PDBQT serial, from 1) and
 * `H PARENT` (SMILES atom and serial of its hydrogen). Vina copies them into every pose, which so keeps its bonds. Open Babel's own remarks and its
 * guesses at residue names go.
 */
export function annotateLigandPdbqt(pdbqt: string, identity: LigandIdentity): string {
  const written = parsePdbqtAtoms(pdbqt);
  const smilesPlaces = written.map((atom) => placeInSmiles(atom, identity));
  const heavy = written.flatMap((atom, index) =>
    atom.element === 'H' ? [] : [`${smilesPlaces[index]} ${atom.serial}`],
  );
  const hydrogens = written.flatMap((atom) =>
    atom.element === 'H' ? [`${placeInSmiles(nearestHeavy(atom, written), identity)} ${atom.serial}`] : [],
  );
  const remarks = [
    `REMARK SMILES ${identity.canonicalSmiles}`,
    ...wrap('REMARK SMILES IDX', heavy),
    ...wrap('REMARK H PARENT', hydrogens),
  ];
  const body = pdbqt.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('REMARK'));
  return `${[...remarks, ...body.map(withoutResidue)].join('\n')}\n`;
}

function placeInSmiles(atom: PdbqtAtom, { atoms, smilesOrder }: LigandIdentity): number {
  const index = atoms.findIndex(
    (candidate) => candidate.element === atom.element && distance(candidate, atom) < roundingSlack,
  );
  const place = smilesOrder.indexOf(index);
  if (atom.element !== 'H' && place < 0) {
    throw new InvalidLigandError({
      problem: `Open Babel moved its atom ${atom.serial} (${atom.element})`,
      advice: 'leave this ligand out',
    });
  }
  return place + 1;
}

function nearestHeavy(hydrogen: PdbqtAtom, atoms: readonly PdbqtAtom[]): PdbqtAtom {
  return atoms
    .filter(({ element }) => element !== 'H')
    .reduce((best, next) => (distance(next, hydrogen) < distance(best, hydrogen) ? next : best));
}

function withoutResidue(line: string): string {
  return isAtomRecord(line) ? `${line.slice(0, 17)}LIG     1${line.slice(26)}` : line;
}

function wrap(prefix: string, pairs: readonly string[]): string[] {
  const lines: string[] = [];
  for (const pair of pairs) {
    const last = lines.at(-1);
    if (last && `${last} ${pair}`.length <= 79) lines[lines.length - 1] = `${last} ${pair}`;
    else lines.push(`${prefix} ${pair}`);
  }
  return lines;
}
