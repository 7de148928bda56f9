import type { Atom } from '../molecule/atom.ts';
import type { PdbqtAtom } from '../molecule/pdbqt.ts';

/** One pose of a Vina result. Energies in kcal/mol, lower is better; distances in ångström. */
export interface Pose {
  /** 1 is the best. */
  readonly rank: number;
  readonly affinity: number;
  /** RMSD to pose 1 of the same run, heavy atoms, no superposition: each atom to the nearest of its element. */
  readonly rmsd_lb: number;
  /** The same, each atom to itself. */
  readonly rmsd_ub: number;
  /** The terms of the affinity that the file tells; files of Vina 1.1 tell none. */
  readonly terms: PoseTerms;
  /** Atoms of the ligand, or of all ligands docked together, with polar hydrogens. */
  readonly atoms: readonly PdbqtAtom[];
  /** Atoms of flexible residues. */
  readonly flexibleAtoms: readonly Atom[];
  /** The molecule, where the ligand's remarks hold it. */
  readonly molecule: PoseMolecule | undefined;
}

export interface PoseTerms {
  readonly total?: number;
  readonly inter?: number;
  readonly intra?: number;
  readonly unbound?: number;
}

export interface PoseMolecule {
  readonly smiles: string;
  /** For each heavy atom: its place in the SMILES, and the serial of its record, both from 1. */
  readonly indices: readonly { readonly smilesIndex: number; readonly serial: number }[];
}
