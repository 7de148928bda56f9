import { type PdbAtom, parsePdbAtoms, residueKey } from './pdb.ts';

/** A ligand as it lies in a crystal structure. */
export interface CrystalLigand {
  readonly residueName: string;
  readonly chain: string;
  readonly residueNumber: string;
  /** Its atoms in file order, one location each; crystal structures rarely show hydrogens. */
  readonly atoms: readonly PdbAtom[];
}

export interface FindCrystalLigand {
  /** Its three-letter code in HETATM records, such as `SKE`. */
  readonly residueName: string;
  /** The first chain that holds one, when absent. */
  readonly chain?: string | undefined;
}

/** The first copy of a ligand in a PDB file; undefined when the file holds none. */
export function findCrystalLigand(pdb: string, { residueName, chain }: FindCrystalLigand): CrystalLigand | undefined {
  const wanted = parsePdbAtoms(pdb).filter(
    (atom) =>
      atom.hetero && atom.residueName === residueName.toUpperCase() && (chain === undefined || atom.chain === chain),
  );
  const first = wanted[0];
  if (!first) return undefined;
  const atoms = wanted.filter((atom) => residueKey(atom) === residueKey(first));
  return { residueName: first.residueName, chain: first.chain, residueNumber: first.residueNumber, atoms };
}
