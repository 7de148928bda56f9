import { type PdbAtom, parsePdbAtoms } from '../molecule/pdb.ts';

/** The part of a PDB file that is docked into. */
export interface ReceptorRecords {
  /** Heavy atoms of it, metals among them. */
  readonly atoms: readonly PdbAtom[];
  /** Those that are no metal, as PDB text. */
  readonly pdb: string;
  /** The metals. */
  readonly metals: readonly PdbAtom[];
  /** Names of the residues that were left out, such as `HOH`, each once, in file order. */
  readonly removedResidues: readonly string[];
}

/**
 * Keeps the polymer: heavy atoms of ATOM records and of modified residues (MODRES), and what `keepResidues` names (a catalytic zinc). Waters,
 * ligands and ions are left out. Hydrogens are left out too, since protonation is made anew.
 */
export function selectReceptorRecords(pdb: string, keepResidues: readonly string[] = []): ReceptorRecords {
  const kept = new Set([...modifiedResidues(pdb), ...keepResidues.map((name) => name.toUpperCase())]);
  const all = parsePdbAtoms(pdb);
  const belongs = (atom: PdbAtom) => !atom.hetero || kept.has(atom.residueName);
  const atoms = all.filter((atom) => belongs(atom) && atom.element !== 'H' && atom.element !== 'D');
  const removedResidues = [...new Set(all.filter((atom) => !belongs(atom)).map((atom) => atom.residueName))];
  const metals = atoms.filter((atom) => vinaMetals.has(atom.element));
  const organic = atoms.filter((atom) => !vinaMetals.has(atom.element));
  return { atoms, metals, pdb: `${organic.map(receptorRecord).join('\n')}\nEND\n`, removedResidues };
}

/** The metals that Vina knows. */
const vinaMetals = new Set(['Mg', 'Mn', 'Zn', 'Ca', 'Fe']);

/**
 * Columns 1–66 with the alternate location blanked: what stands behind makes Open Babel read charges and elements of its own. Selenomethionine
 * becomes the methionine that it stands for: Open Babel knows no charge for selenium and would give up the whole receptor, with exit code 0.
 */
function receptorRecord({ line, residueName, name }: PdbAtom): string {
  const record = `${line.slice(0, 16)} ${line.slice(17, 66)}`.trimEnd();
  if (residueName !== 'MSE') return record;
  const nameField = name === 'SE' ? ' SD ' : line.slice(12, 16);
  return `ATOM  ${record.slice(6, 12)}${nameField} MET${record.slice(20)}`;
}

/** Residues of the chain itself that PDB files write as HETATM. */
function modifiedResidues(pdb: string): string[] {
  const declared = pdb.split(/\r?\n/).filter((line) => line.startsWith('MODRES'));
  return ['MSE', ...declared.map((line) => line.slice(12, 15).trim())];
}
