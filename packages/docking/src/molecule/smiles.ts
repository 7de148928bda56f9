import type { MainModule, Mol } from '@rdkit/rdkit';
import { InvalidSmilesError } from '../errors.ts';
import { checkSmilesText, maxLigandHeavyAtoms } from './check-smiles-text.ts';
import { withMolecule, withRdkit } from './rdkit.ts';

/** A molecule that RDKit has read and found sound. */
export interface ReadSmiles {
  /** RDKit's canonical isomeric SMILES: the same text for every spelling of the molecule. */
  readonly canonicalSmiles: string;
  readonly heavyAtoms: number;
}

/**
 * Reads a SMILES and proves that it is one dockable molecule: sound valences, one fragment, carbon in it, no wildcard or radical. Protonation is
 * kept as written.
 * @throws {InvalidSmilesError} naming what is wrong and what to do.
 */
export async function parseSmiles(smiles: string): Promise<ReadSmiles> {
  const text = smiles.trim();
  checkSmilesText(text);
  return withRdkit((rdkit) => {
    const { molecule, reason } = readLogged(rdkit, text);
    return withMolecule(molecule, (read) => {
      if (!read) throw new InvalidSmilesError({ problem: explain(reason), advice: 'correct the SMILES' });
      return checkDockable(read);
    });
  });
}

function readLogged(rdkit: MainModule, smiles: string): { molecule: Mol | null; reason: string } {
  const log = rdkit.set_log_capture('rdApp.error');
  try {
    const molecule = rdkit.get_mol(smiles);
    return { molecule, reason: log?.get_buffer() ?? '' };
  } finally {
    log?.delete();
  }
}

function checkDockable(molecule: Mol): ReadSmiles {
  const canonicalSmiles = molecule.get_smiles();
  const atoms = (JSON.parse(molecule.get_json()) as RdkitJson).molecules[0]?.atoms ?? [];
  const heavyAtoms = atoms.filter(({ z = 6 }) => z !== 1).length;
  if (canonicalSmiles.includes('.')) {
    throw new InvalidSmilesError({
      problem: `it holds ${canonicalSmiles.split('.').length} separate fragments`,
      advice: 'leave counter-ions and solvent out and give the one molecule to dock',
    });
  }
  if (atoms.some(({ z }) => z === 0))
    throw new InvalidSmilesError({ problem: 'it holds a wildcard atom (*)', advice: 'give a whole molecule' });
  if (!atoms.some(({ z = 6 }) => z === 6)) {
    throw new InvalidSmilesError({
      problem: 'it holds no carbon',
      advice: 'give an organic molecule; ions, metals and water are not ligands here',
    });
  }
  if (atoms.some(({ nRad = 0 }) => nRad > 0)) {
    throw new InvalidSmilesError({
      problem: 'an atom has unpaired electrons',
      advice: 'write its hydrogens, or leave out its square brackets',
    });
  }
  if (heavyAtoms > maxLigandHeavyAtoms) {
    throw new InvalidSmilesError({
      problem: `it has ${heavyAtoms} heavy atoms`,
      advice: `dock molecules of at most ${maxLigandHeavyAtoms}`,
    });
  }
  return { canonicalSmiles, heavyAtoms };
}

/** RDKit's own words, without the molecule in them: messages carry no payload. */
function explain(reason: string): string {
  const valence = /Explicit valence for atom # (\d+) (\w+), (\d+), is greater than permitted/.exec(reason);
  if (valence)
    return `atom ${Number(valence[1]) + 1} (${valence[2]}) has ${valence[3]} bonds, more than its valence permits`;
  const aromatic = /non-ring atom (\d+) marked aromatic/.exec(reason);
  if (aromatic) return `atom ${Number(aromatic[1]) + 1} is written aromatic (in lower case) but is in no ring`;
  if (/kekulize/i.test(reason))
    return 'its aromatic rings have no alternating bonds; a nitrogen may lack its hydrogen, as in [nH]';
  if (/unclosed ring/.test(reason)) return 'a ring is opened and not closed';
  const position = /around position (\d+)/.exec(reason);
  if (position) return `it is no SMILES: RDKit stops at character ${position[1]}`;
  return 'it is no SMILES that RDKit can read';
}

/** The part of RDKit's JSON that is read here; absent fields have the defaults of carbon. */
interface RdkitJson {
  readonly molecules: readonly { readonly atoms?: readonly { readonly z?: number; readonly nRad?: number }[] }[];
}
