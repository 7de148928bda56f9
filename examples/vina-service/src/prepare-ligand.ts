import { prepareLigand } from '@mad/docking';
import { defineOperation, type Operation } from '@mad/tasks/service';
import { z } from 'zod';
import { answerDockingErrors, ligandErrors } from './answer-docking-error.ts';

const smiles = z
  .string()
  .min(1)
  .max(2000)
  .meta({
    title: 'SMILES',
    description: 'One molecule, protonated as it shall be docked, without counter-ions.',
    examples: ['Oc1ccccc1'],
  });

const response = z.object({
  ligand: z.string().meta({ title: 'Prepared ligand', contentMediaType: 'chemical/x-pdbqt' }),
  canonical_smiles: z.string().describe('The canonical SMILES of RDKit.'),
  heavy_atoms: z.int().min(1),
  conformer: z.string().meta({ title: '3D structure with all hydrogens', contentMediaType: 'chemical/x-mdl-molfile' }),
});

export const definePrepareLigand = (producer: string): Operation =>
  defineOperation({
    taskKey: 'prepare-ligand',
    version: '1.0.0',
    title: 'Prepare a ligand',
    description: 'Makes a flexible ligand for AutoDock Vina from a SMILES, in 3D and with Gasteiger charges.',
    determinism: 'exact',
    producer,
    category: 'preparation',
    request: z.object({ smiles }),
    response,
    errors: { ...ligandErrors, INVALID_SMILES: 'the SMILES is not one dockable molecule' },
    async run({ smiles }, { signal }) {
      const ligand = await answerDockingErrors(prepareLigand(smiles, { signal }));
      const { pdbqt, canonicalSmiles, heavyAtoms, molfile } = ligand;
      return { ligand: pdbqt, canonical_smiles: canonicalSmiles, heavy_atoms: heavyAtoms, conformer: molfile };
    },
  });
