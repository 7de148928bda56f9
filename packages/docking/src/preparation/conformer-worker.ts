import { parentPort, workerData } from 'node:worker_threads';
import { ConformerGenerator, ForceFieldMMFF94, Molecule, Resources } from 'openchemlib';

/** What the worker is given. */
export interface ConformerRequest {
  readonly smiles: string;
  readonly seed: number;
}

/** What it answers, once. */
export type ConformerAnswer = { readonly molfile: string } | { readonly problem: string };

function createConformer({ smiles, seed }: ConformerRequest): ConformerAnswer {
  Resources.registerFromNodejs();
  const conformer = new ConformerGenerator(seed).getOneConformerAsMolecule(Molecule.fromSmiles(smiles));
  if (!conformer) return { problem: 'no 3D conformer was found for it' };
  try {
    new ForceFieldMMFF94(conformer, 'MMFF94s').minimise();
  } catch (error) {
    const element = /atom type to atom \d+ \((\w+)\)/.exec(String(error))?.[1];
    return {
      problem: element
        ? `the MMFF94s force field does not know its ${element} atom`
        : 'the MMFF94s force field cannot be applied to it',
    };
  }
  conformer.setName('ligand');
  return { molfile: conformer.toMolfile() };
}

parentPort?.postMessage(createConformer(workerData as ConformerRequest));
