import { prepareLigand } from '@mad/docking';
import { defineOperation, type Operation } from '@mad/tasks/service';
import { z } from 'zod';
import { answerDockingErrors, errorCodes } from './answer-docking-error.ts';

const request = z.object({
  smiles: z
    .string()
    .min(1)
    .max(2000)
    .meta({
      title: 'SMILES',
      description: 'One molecule, protonated as it shall be docked, without counter-ions.',
      examples: ['Oc1ccccc1'],
    }),
});

const response = z.object({
  ligand: z.string().meta({ title: 'Prepared ligand', contentMediaType: 'chemical/x-pdbqt' }),
  canonical_smiles: z.string().describe('The canonical SMILES of RDKit.'),
  heavy_atoms: z.int().min(1),
  conformer: z.string().meta({ title: '3D structure with all hydrogens', contentMediaType: 'chemical/x-mdl-molfile' }),
});

export function definePrepareLigand(producer: string): Operation {
  return defineOperation({
    taskKey: 'prepare-ligand',
    version: '1.0.0',
    title: 'Prepare a ligand',
    description:
      'Makes a flexible ligand for AutoDock Vina from a SMILES: a 3D structure of low energy, with Gasteiger charges.',
    determinism: 'exact',
    producer,
    category: 'preparation',
    request,
    response,
    errors: { ...errorCodes.smiles, ...errorCodes.ligand },
    async run({ smiles }, { signal }) {
      const { pdbqt, canonicalSmiles, heavyAtoms, molfile } = await answerDockingErrors(
        prepareLigand(smiles, { signal }),
      );
      return { ligand: pdbqt, canonical_smiles: canonicalSmiles, heavy_atoms: heavyAtoms, conformer: molfile };
    },
  });
}
