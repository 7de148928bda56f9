import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMolfileAtoms } from '../molecule/molfile.ts';
import { parseSmiles } from '../molecule/smiles.ts';
import { inTemporaryDirectory } from '../program/in-temporary-directory.ts';
import { runOpenBabel } from '../program/run-open-babel.ts';
import { findConformer } from './conformer.ts';
import { annotateLigandPdbqt, checkLigandPdbqt } from './ligand-pdbqt.ts';
import { matchConformer } from './match-conformer.ts';

export interface PrepareLigand {
  /** Of the conformer search. Another seed gives another starting structure. @default 1 */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For the conformer search, and again for Open Babel. @default 120_000 */
  readonly timeoutMs?: number | undefined;
}

export interface PreparedLigand {
  /** Flexible ligand for Vina; its remarks hold the SMILES and the places of its atoms. */
  readonly pdbqt: string;
  readonly canonicalSmiles: string;
  readonly heavyAtoms: number;
  /** The 3D structure with all hydrogens, V2000. */
  readonly molfile: string;
}

/**
 * A ligand from its SMILES, the same bytes for every spelling of the molecule and on every run: RDKit's canonical SMILES, OpenChemLib's conformer,
 * MMFF94s, Open Babel's PDBQT with Gasteiger charges. Protonation is as the SMILES says; a stereocenter that it leaves open is chosen.
 * @throws {InvalidSmilesError} {InvalidLigandError} {ProgramMissingError} permanent
 * @throws {ProgramTimeoutError} {ProgramKilledError} when Open Babel did not end: worth another try
 */
export async function prepareLigand(
  smiles: string,
  { seed = 1, signal, timeoutMs = 120_000 }: PrepareLigand = {},
): Promise<PreparedLigand> {
  const { canonicalSmiles, heavyAtoms } = await parseSmiles(smiles);
  const molfile = await findConformer({ smiles: canonicalSmiles, seed, signal, timeoutMs });
  const smilesOrder = await matchConformer(canonicalSmiles, molfile);
  const written = await inTemporaryDirectory(async (cwd) => {
    await writeFile(join(cwd, 'ligand.mol'), molfile);
    const args = '-imol ligand.mol -opdbqt -O ligand.pdbqt --partialcharge gasteiger'.split(' ');
    return runOpenBabel({ args, cwd, output: 'ligand.pdbqt', signal, timeoutMs });
  });
  const atoms = parseMolfileAtoms(molfile);
  checkLigandPdbqt(written, atoms);
  return {
    pdbqt: annotateLigandPdbqt(written, { canonicalSmiles, atoms, smilesOrder }),
    canonicalSmiles,
    heavyAtoms,
    molfile,
  };
}
