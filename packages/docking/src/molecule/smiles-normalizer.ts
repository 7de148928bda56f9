import { InvalidSmilesError } from '../errors.ts';
import { checkSmilesText } from './check-smiles-text.ts';
import { withMolecule, withRdkit } from './rdkit.ts';

/**
 * RDKit's canonical isomeric SMILES, for caches that compare molecules by what they are: every spelling of one molecule gives one text, and
 * stereoisomers, tautomers, protonation states and isotopes stay apart. Undefined for text that is no SMILES, has a name after it, or is too large: that is
 * compared as it is. A molecule takes some milliseconds of this thread.
 */
export async function smilesNormalizer(text: string): Promise<string | undefined> {
  const smiles = text.trim();
  try {
    checkSmilesText(smiles);
    return await withRdkit((rdkit) => withMolecule(rdkit.get_mol(smiles), (molecule) => molecule?.get_smiles()));
  } catch (error) {
    if (error instanceof InvalidSmilesError) return undefined;
    throw error;
  }
}
