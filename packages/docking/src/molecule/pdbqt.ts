import type { Atom } from './atom.ts';
import { elementOfAutoDockType } from './element.ts';

/** One ATOM or HETATM record of a PDBQT file. */
export interface PdbqtAtom extends Atom {
  readonly serial: number;
  /** AutoDock atom type, case-sensitive: `A`, `OA`, `HD`. */
  readonly type: string;
  readonly charge: number;
}

/** True for the records that place an atom. */
export function isAtomRecord(line: string): boolean {
  return /^(ATOM {2}|HETATM)/.test(line);
}

/** Reads one atom record: coordinates in columns 31–54, charge in 67–76, type from column 78. Numbers that cannot be read are NaN. */
export function parsePdbqtAtom(line: string): PdbqtAtom {
  const type = line.slice(77).trim();
  return {
    serial: numberAt(line, 6, 11),
    name: line.slice(12, 16).trim(),
    x: numberAt(line, 30, 38),
    y: numberAt(line, 38, 46),
    z: numberAt(line, 46, 54),
    charge: numberAt(line, 66, 76),
    type,
    element: elementOfAutoDockType(type),
  };
}

/** Every atom of a PDBQT text, in file order. */
export function parsePdbqtAtoms(pdbqt: string): PdbqtAtom[] {
  return pdbqt.split(/\r?\n/).filter(isAtomRecord).map(parsePdbqtAtom);
}

/** True when the atom has a place, a charge and a type. */
export function isCompletePdbqtAtom(atom: PdbqtAtom): boolean {
  return Number.isFinite(atom.x + atom.y + atom.z + atom.charge) && atom.type !== '';
}

function numberAt(line: string, from: number, to: number): number {
  const field = line.slice(from, to).trim();
  return field === '' ? Number.NaN : Number(field);
}
