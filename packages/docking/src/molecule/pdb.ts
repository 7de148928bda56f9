import { InvalidReceptorError } from '../errors.ts';
import type { Atom } from './atom.ts';
import { elementOfPdbAtom } from './element.ts';

/** One ATOM or HETATM record. */
export interface PdbAtom extends Atom {
  readonly hetero: boolean;
  /** `''` for an atom without alternate locations. */
  readonly altLoc: string;
  readonly residueName: string;
  readonly chain: string;
  readonly residueNumber: string;
  readonly insertionCode: string;
  readonly occupancy: number;
  /** The record as it stands in the file. */
  readonly line: string;
}

/**
 * The atoms of a PDB file's first model, in file order, one location an atom: of alternate locations each residue keeps the one that is
 * most occupied, the first on a tie. Tolerates CRLF, short lines, missing element columns and serial numbers past 99999.
 * @throws {InvalidReceptorError} when the text is another format or a coordinate is no number.
 */
export function parsePdbAtoms(pdb: string): PdbAtom[] {
  refuseOtherFormats(pdb);
  const atoms: PdbAtom[] = [];
  for (const [index, line] of pdb.split(/\r?\n/).entries()) {
    if (line.startsWith('ENDMDL')) break;
    if (/^(ATOM {2}|HETATM)/.test(line)) atoms.push(parseRecord(line, index + 1));
  }
  return onlyMostOccupied(atoms);
}

/** One text for all atoms of a residue, different for any two residues of a model. */
export function residueKey(atom: PdbAtom): string {
  return `${atom.chain}|${atom.residueNumber}|${atom.insertionCode}`;
}

function parseRecord(line: string, lineNumber: number): PdbAtom {
  const [x, y, z] = [line.slice(30, 38), line.slice(38, 46), line.slice(46, 54)].map((field) =>
    field.trim() === '' ? Number.NaN : Number(field),
  );
  if (x === undefined || y === undefined || z === undefined || !Number.isFinite(x + y + z)) {
    throw new InvalidReceptorError({
      problem: `line ${lineNumber} of the PDB file has no coordinates in columns 31–54`,
      advice: 'export it again in PDB format with fixed columns',
    });
  }
  const hetero = line.startsWith('HETATM');
  return {
    x,
    y,
    z,
    hetero,
    line,
    name: line.slice(12, 16).trim(),
    element: elementOfPdbAtom({ symbol: line.slice(76, 78).trim(), name: line.slice(12, 16), hetero }),
    altLoc: line.slice(16, 17).trim(),
    residueName: line.slice(17, 20).trim(),
    chain: line.slice(21, 22).trim(),
    residueNumber: line.slice(22, 26).trim(),
    insertionCode: line.slice(26, 27).trim(),
    occupancy: Number(line.slice(54, 60).trim() || 1) || 0,
  };
}

function onlyMostOccupied(atoms: readonly PdbAtom[]): PdbAtom[] {
  const occupancies = new Map<string, Map<string, number>>();
  for (const atom of atoms) {
    if (atom.altLoc === '') continue;
    const locations = occupancies.get(residueKey(atom)) ?? new Map<string, number>();
    locations.set(atom.altLoc, (locations.get(atom.altLoc) ?? 0) + atom.occupancy);
    occupancies.set(residueKey(atom), locations);
  }
  const chosen = new Map(
    [...occupancies].map(([residue, locations]) => [
      residue,
      [...locations].reduce((best, next) => (next[1] > best[1] ? next : best))[0],
    ]),
  );
  return atoms.filter((atom) => atom.altLoc === '' || atom.altLoc === chosen.get(residueKey(atom)));
}

function refuseOtherFormats(text: string): void {
  const start = text.slice(0, 2000).trimStart();
  const format = /^data_|^_atom_site\./m.test(start) ? 'mmCIF' : /^<(!doctype|html)/i.test(start) ? 'HTML' : undefined;
  if (format)
    throw new InvalidReceptorError({ problem: `it is ${format}, not PDB`, advice: 'give the structure in PDB format' });
}
