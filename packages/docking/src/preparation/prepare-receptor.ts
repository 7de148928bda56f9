import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidReceptorError } from '../errors.ts';
import type { PdbAtom } from '../molecule/pdb.ts';
import { isCompletePdbqtAtom, type PdbqtAtom, parsePdbqtAtoms } from '../molecule/pdbqt.ts';
import { inTemporaryDirectory } from '../program/in-temporary-directory.ts';
import { runOpenBabel } from '../program/run-open-babel.ts';
import { type ReceptorRecords, selectReceptorRecords } from './receptor-records.ts';

export interface PrepareReceptor {
  /** Names of HETATM residues that belong to the receptor, such as `ZN` or `HEM`. Everything else that is no polymer is left out. */
  readonly keepResidues?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default 120_000 */
  readonly timeoutMs?: number | undefined;
}

export interface PreparedReceptor {
  /** Rigid receptor for Vina. */
  readonly pdbqt: string;
  /** Atoms in it, polar hydrogens included. */
  readonly atoms: number;
  /** Residues that were left out: waters, ligands, ions. */
  readonly removedResidues: readonly string[];
}

/**
 * A rigid receptor from a PDB file, protonated at pH 7.4, the same bytes for the same input. First model, most occupied locations; hydrogens of
 * the file are replaced. The result holds every heavy atom of the polymer: that is checked, since Open Babel's exit code tells nothing.
 * @throws {InvalidReceptorError} {ProgramMissingError} permanent
 * @throws {ProgramTimeoutError} {ProgramKilledError} when Open Babel did not end: worth another try
 */
export async function prepareReceptor(
  pdb: string,
  { keepResidues, signal, timeoutMs = 120_000 }: PrepareReceptor = {},
): Promise<PreparedReceptor> {
  const records = selectReceptorRecords(pdb, keepResidues);
  if (records.atoms.length === 0) {
    throw new InvalidReceptorError({
      problem: 'the PDB file holds no ATOM record',
      advice: 'give a protein structure in PDB format',
    });
  }
  const polymer = await inTemporaryDirectory(async (cwd) => {
    await writeFile(join(cwd, 'receptor.pdb'), records.pdb);
    const args = '-ipdb receptor.pdb -opdbqt -O receptor.pdbqt -xr -p 7.4 --partialcharge gasteiger'.split(' ');
    return runOpenBabel({ args, cwd, output: 'receptor.pdbqt', signal, timeoutMs });
  });
  const pdbqt = polymer + records.metals.map(metalRecord).join('');
  const atoms = parsePdbqtAtoms(pdbqt);
  checkReceptor(atoms, records);
  return { pdbqt, atoms: atoms.length, removedResidues: records.removedResidues };
}

/** Written here, since Open Babel writes nothing at all of a receptor that holds a metal. Vina's scoring uses no charges. */
function metalRecord({ line, element }: PdbAtom): string {
  return `${line.slice(0, 16)} ${line.slice(17, 54)}  1.00  0.00    +0.000 ${element}\n`;
}

function checkReceptor(atoms: readonly PdbqtAtom[], { atoms: wanted }: ReceptorRecords): void {
  const problem = findProblem(atoms, wanted.length);
  const advice =
    'mend the structure (missing or clashing atoms, unusual elements), or prepare the PDBQT by other means';
  if (problem) throw new InvalidReceptorError({ problem, advice });
}

function findProblem(atoms: readonly PdbqtAtom[], wanted: number): string | undefined {
  const heavyAtoms = atoms.filter(({ element }) => element !== 'H').length;
  if (heavyAtoms !== wanted) return `Open Babel kept ${heavyAtoms} of its ${wanted} heavy atoms`;
  return atoms.every(isCompletePdbqtAtom) ? undefined : 'Open Babel wrote atoms without coordinates, charge or type';
}
