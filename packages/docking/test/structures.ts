import { readFileSync } from 'node:fs';
import type { Atom } from '@mad/docking';

/** Aurora A with JNJ-7706621 (residue SKE), as the Protein Data Bank gives it. */
export const auroraA = readFileSync(new URL('../../../examples/quickstart/data/5dt0.pdb', import.meta.url), 'utf8');

/** The inhibitor in 5DT0. */
export const inhibitorSmiles = 'NC1=NC(Nc2ccc(cc2)S(N)(=O)=O)=NN1C(=O)c1c(F)cccc1F';

/** A box of 15 Å in the ATP pocket of 5DT0. */
export const pocket = { center: { x: -5, y: -31, z: 6 }, size: { x: 15, y: 15, z: 15 } };

/** An atom from its element and place. */
export function atom(element: string, [x, y, z]: readonly [number, number, number]): Atom {
  return { element, name: element, x, y, z };
}

export interface ModelFacts {
  readonly number: number;
  /** What stands behind `RESULT:`. */
  readonly scores: string;
  readonly remarks?: readonly string[];
  readonly lines?: readonly string[];
}

/** One MODEL of a Vina output file; a C–O pair unless `lines` tells otherwise. */
export function model({ number, scores, remarks = [], lines = ligandLines }: ModelFacts): string {
  return [`MODEL ${number}`, `REMARK VINA RESULT:${scores}`, ...remarks, ...lines, 'ENDMDL', ''].join('\n');
}

/** One atom record of a PDBQT file. */
export function pdbqtAtom(serial: number, type: string, [x, y, z]: readonly [number, number, number]): string {
  const place = [x, y, z].map((value) => value.toFixed(3).padStart(8)).join('');
  return `ATOM  ${String(serial).padStart(5)}  ${type.slice(0, 1)}   LIG     1    ${place}  0.00  0.00    +0.000 ${type}`;
}

const ligandLines = ['ROOT', pdbqtAtom(1, 'C', [0, 0, 0]), pdbqtAtom(2, 'OA', [1.4, 0, 0]), 'ENDROOT', 'TORSDOF 0'];
