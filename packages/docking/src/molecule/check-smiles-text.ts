import { InvalidSmilesError } from '../errors.ts';

/** Past this size a conformer search takes minutes and Vina's search is no longer meaningful. */
export const maxLigandHeavyAtoms = 200;

/** Explicit hydrogens included: as many as 200 tetravalent atoms in one molecule can bear. */
const maxAtoms = 3 * maxLigandHeavyAtoms + 2;

/** Fullerene C60 has 31. Only fused aromatic rings are slow, but steeply so: at worst 40 took RDKit 3 s, 50 took 6 s, 100 took 12 s. */
const maxRings = 40;

/** Twenty-five for each heavy atom. */
const maxLength = 5000;

/**
 * Refuses, from the text alone, what must not come before RDKit: it runs in this thread, without a time limit and with little stack, so that a chain
 * of 1,200 atoms breaks its memory and 180 fused rings never end. Whatever passes is read within seconds, be it a molecule or not.
 * @throws {InvalidSmilesError}
 */
export function checkSmilesText(smiles: string): void {
  if (smiles === '')
    throw new InvalidSmilesError({ problem: 'it is empty', advice: 'give a molecule, such as c1ccccc1O' });
  if (/\s/.test(smiles)) {
    throw new InvalidSmilesError({
      problem: 'it holds white space',
      advice: 'give the SMILES alone, without a name after it',
    });
  }
  // RDKit drops what is not ASCII, and takes text that begins with a brace for its own JSON.
  const foreign = smiles.search(/[^A-Za-z0-9()[\]<>=#$:/\\@+\-.%*~]/);
  if (foreign >= 0) {
    throw new InvalidSmilesError({
      problem: `character ${foreign + 1} is none that a SMILES is written with`,
      advice: 'correct the SMILES',
    });
  }
  if (smiles.length > maxLength) refuseSize(`it has ${smiles.length} characters`);
  const atoms = smiles.match(/\[[^\]]*\]?|Cl|Br|[BCNOPSFIbcnops*]/g) ?? [];
  const heavyAtoms = atoms.filter((atom) => !/^\[\d*H(?![a-z])/.test(atom)).length;
  if (heavyAtoms > maxLigandHeavyAtoms) refuseSize(`it has ${heavyAtoms} heavy atoms`);
  if (atoms.length > maxAtoms) refuseSize(`it has ${atoms.length} atoms`);
  const rings = (smiles.replaceAll(/\[[^\]]*\]?/g, '').match(/%\(\d+\)|%\d\d|\d/g)?.length ?? 0) / 2;
  if (rings > maxRings) {
    throw new InvalidSmilesError({
      problem: `it closes ${Math.floor(rings)} rings`,
      advice: `dock molecules of at most ${maxRings} rings`,
    });
  }
  if (nesting(smiles) > maxLigandHeavyAtoms) refuseSize('its branches are nested too deep');
}

function refuseSize(problem: string): never {
  throw new InvalidSmilesError({ problem, advice: `dock molecules of at most ${maxLigandHeavyAtoms} heavy atoms` });
}

function nesting(smiles: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of smiles) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
