import type { Atom } from './atom.ts';

/** The atoms of a V2000 molfile, in file order. */
export function parseMolfileAtoms(molfile: string): Atom[] {
  const lines = molfile.split(/\r?\n/);
  const count = Number(lines[3]?.slice(0, 3) ?? 0);
  return lines.slice(4, 4 + count).map((line) => {
    const symbol = line.slice(31, 34).trim();
    return {
      x: Number(line.slice(0, 10)),
      y: Number(line.slice(10, 20)),
      z: Number(line.slice(20, 30)),
      element: symbol === 'D' || symbol === 'T' ? 'H' : symbol,
      name: symbol,
    };
  });
}
