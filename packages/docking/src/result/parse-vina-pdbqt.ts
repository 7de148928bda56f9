import { InvalidPosesError } from '../errors.ts';
import { isAtomRecord, type PdbqtAtom, parsePdbqtAtom } from '../molecule/pdbqt.ts';
import type { Pose, PoseMolecule, PoseTerms } from './pose.ts';

/**
 * The poses of a Vina output file, in rank order, at least one. Reads files of Vina 1.1 and 1.2: wide values that touch, CRLF, remarks it does not
 * know, flexible residues, several ligands in a MODEL.
 * @throws {InvalidPosesError} when there is no MODEL, a MODEL has no end, ranks are not 1..n, a score is no finite number or an atom has no place.
 */
export function parseVinaPdbqt(pdbqt: string): Pose[] {
  const models = splitModels(pdbqt);
  if (models.length === 0) throw new InvalidPosesError({ problem: 'it holds no MODEL' });
  return models.map(parseModel);
}

interface Model {
  readonly number: number;
  readonly lines: string[];
}

function splitModels(pdbqt: string): Model[] {
  const models: Model[] = [];
  let open: Model | undefined;
  for (const line of pdbqt.split(/\r?\n/)) {
    if (line.startsWith('MODEL')) {
      if (open) throw new InvalidPosesError({ problem: `MODEL ${open.number} has no ENDMDL` });
      open = { number: Number(line.slice(5)), lines: [] };
      models.push(open);
    } else if (line.startsWith('ENDMDL')) open = undefined;
    else open?.lines.push(line);
  }
  if (open) throw new InvalidPosesError({ problem: `MODEL ${open.number} has no ENDMDL: the file was cut off` });
  return models;
}

function parseModel({ number, lines }: Model, index: number): Pose {
  const rank = index + 1;
  if (number !== rank) throw new InvalidPosesError({ problem: `MODEL ${number} stands where rank ${rank} belongs` });
  const [affinity, rmsdLower, rmsdUpper] = parseScores(lines, rank);
  const { atoms, flexibleAtoms } = parseAtoms(lines);
  if (atoms.length === 0) throw new InvalidPosesError({ problem: `MODEL ${rank} holds no ligand atom` });
  if (![...atoms, ...flexibleAtoms].every(({ x, y, z }) => Number.isFinite(x + y + z))) {
    throw new InvalidPosesError({ problem: `an atom of MODEL ${rank} has no coordinates` });
  }
  return {
    rank,
    affinity,
    rmsd_lb: rmsdLower,
    rmsd_ub: rmsdUpper,
    terms: parseTerms(lines),
    atoms,
    flexibleAtoms,
    molecule: parseMolecule(lines),
  };
}

function parseScores(lines: readonly string[], rank: number): [affinity: number, rmsdLower: number, rmsdUpper: number] {
  const result = lines.find((line) => line.startsWith('REMARK VINA RESULT:'));
  if (result === undefined) throw new InvalidPosesError({ problem: `MODEL ${rank} has no REMARK VINA RESULT` });
  const [affinity, lower, upper] = splitScores(result.slice('REMARK VINA RESULT:'.length));
  if (
    affinity === undefined ||
    lower === undefined ||
    upper === undefined ||
    !Number.isFinite(affinity + lower + upper)
  ) {
    throw new InvalidPosesError({ problem: `a score of MODEL ${rank} is not a finite number` });
  }
  return [affinity, lower, upper];
}

/** Fields are 9 wide with three decimals; a value wider than that touches or overflows its neighbour, and only its decimals tell where it ends. */
function splitScores(text: string): number[] {
  const words = text.trim().split(/\s+/);
  if (words.length === 3) return words.map(Number);
  const byDecimals = text.match(/-?\d+\.\d{3}/g) ?? [];
  if (byDecimals.length === 3 && byDecimals.join('') === text.replace(/\s/g, '')) return byDecimals.map(Number);
  return [0, 9, 18].map((from) =>
    Number(
      text
        .trimEnd()
        .padStart(27)
        .slice(from, from + 9)
        .trim() || Number.NaN,
    ),
  );
}

function parseAtoms(lines: readonly string[]): { atoms: PdbqtAtom[]; flexibleAtoms: PdbqtAtom[] } {
  const atoms: PdbqtAtom[] = [];
  const flexibleAtoms: PdbqtAtom[] = [];
  let inResidue = false;
  for (const line of lines) {
    if (line.startsWith('BEGIN_RES')) inResidue = true;
    else if (line.startsWith('END_RES')) inResidue = false;
    else if (isAtomRecord(line)) (inResidue ? flexibleAtoms : atoms).push(parsePdbqtAtom(line));
  }
  return { atoms, flexibleAtoms };
}

const termNames = { 'INTER + INTRA': 'total', INTER: 'inter', INTRA: 'intra', UNBOUND: 'unbound' } as const;

function parseTerms(lines: readonly string[]): PoseTerms {
  const terms: { -readonly [name in keyof PoseTerms]: number } = {};
  for (const line of lines) {
    const [, name, value] = /^REMARK (INTER \+ INTRA|INTER|INTRA|UNBOUND):\s*(-?[\d.]+)/.exec(line) ?? [];
    if (name && Number.isFinite(Number(value))) terms[termNames[name as keyof typeof termNames]] = Number(value);
  }
  return terms;
}

/** Undefined for several ligands in a MODEL as well: their serials are not told apart. */
function parseMolecule(lines: readonly string[]): PoseMolecule | undefined {
  const smiles = lines.flatMap((line) => /^REMARK SMILES (?!IDX )(\S+)/.exec(line)?.[1] ?? []);
  const [only, another] = smiles;
  if (only === undefined || another !== undefined) return undefined;
  const numbers = lines
    .filter((line) => line.startsWith('REMARK SMILES IDX '))
    .flatMap((line) => line.slice(18).trim().split(/\s+/).map(Number));
  const indices = [];
  for (let at = 0; at + 1 < numbers.length; at += 2)
    indices.push({ smilesIndex: numbers[at] ?? 0, serial: numbers[at + 1] ?? 0 });
  return { smiles: only, indices };
}
