import type { Mol } from '@rdkit/rdkit';
import { InvalidLigandError } from '../errors.ts';
import { withMolecule, withRdkit } from '../molecule/rdkit.ts';

/**
 * Where each atom of a SMILES, in the order of its text, stands in the molfile. Proves on the way that the 3D structure is the molecule
 * asked for, stereocenters and double bonds included: two programs read the SMILES, and they might differ.
 * @throws {InvalidLigandError} when it is another molecule.
 */
export async function matchConformer(canonicalSmiles: string, molfile: string): Promise<number[]> {
  const match = await withRdkit((rdkit) =>
    withMolecule(rdkit.get_mol(canonicalSmiles), (query) =>
      withMolecule(rdkit.get_mol(molfile), (target) => query && target && matchAtoms(query, target)),
    ),
  );
  if (!match) {
    throw new InvalidLigandError({
      problem: 'the 3D structure that OpenChemLib made is another molecule than the SMILES',
      advice: 'leave this ligand out, or prepare its PDBQT by other means',
    });
  }
  return match;
}

function matchAtoms(query: Mol, target: Mol): number[] | undefined {
  if (query.get_num_atoms(true) !== target.get_num_atoms(true)) return undefined;
  const { atoms } = JSON.parse(target.get_substruct_match(query, '{"useChirality":true}')) as { atoms?: number[] };
  return atoms?.length === query.get_num_atoms() ? atoms : undefined;
}
