/** Single-bond covalent radii in ångström (Cordero et al., Dalton Trans. 2008, 2832), for the elements that ligands are made of. */
const covalentRadii: Readonly<Record<string, number>> = {
  H: 0.31,
  B: 0.84,
  C: 0.76,
  N: 0.71,
  O: 0.66,
  F: 0.57,
  Si: 1.11,
  P: 1.07,
  S: 1.05,
  Cl: 1.02,
  As: 1.19,
  Se: 1.2,
  Br: 1.2,
  I: 1.39,
};

/** Symbols of two letters that a column-less name may stand for in a HETATM record. */
const twoLetterSymbols = new Set([
  'Cl',
  'Br',
  'Zn',
  'Mg',
  'Mn',
  'Fe',
  'Na',
  'Ca',
  'Cu',
  'Ni',
  'Co',
  'Se',
  'Si',
  'Li',
  'Cd',
  'Hg',
  'As',
  'Al',
]);

/** AutoDock atom types that are not themselves the symbol of their element. */
const autoDockElements: Readonly<Record<string, string>> = {
  A: 'C',
  NA: 'N',
  NS: 'N',
  OA: 'O',
  OS: 'O',
  SA: 'S',
  HD: 'H',
  HS: 'H',
  CG0: 'C',
  CG1: 'C',
  CG2: 'C',
  CG3: 'C',
};

/** The element of an AutoDock atom type: `A` (aromatic) is C, `OA` is O. `X` for types that are no atom: glue and water sites. */
export function elementOfAutoDockType(type: string): string {
  const known = autoDockElements[type];
  if (known) return known;
  if (/^(G\d|W)$/.test(type)) return 'X';
  return symbolOf(type);
}

/** The element of a PDB atom: columns 77–78 where they hold a symbol, otherwise the letters of its name. */
export function elementOfPdbAtom({ symbol, name, hetero }: { symbol: string; name: string; hetero: boolean }): string {
  if (/^[A-Za-z]{1,2}$/.test(symbol)) return symbolOf(symbol);
  const letters = name.replace(/[^A-Za-z]/g, '');
  const pair = symbolOf(letters.slice(0, 2));
  // In a polymer CA is an alpha carbon; in a HETATM record whose name starts in column 13 it is calcium.
  if (hetero && /^[A-Za-z]{2}/.test(name) && twoLetterSymbols.has(pair)) return pair;
  return symbolOf(letters.slice(0, 1)) || 'X';
}

/** In ångström; a middling radius for elements that ligands rarely hold. */
export function covalentRadius(element: string): number {
  return covalentRadii[element] ?? 1.3;
}

function symbolOf(letters: string): string {
  return letters.slice(0, 1).toUpperCase() + letters.slice(1).toLowerCase();
}
