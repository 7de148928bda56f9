import { prepareReceptor } from '@mad/docking';
import { defineOperation, type Operation } from '@mad/tasks/service';
import { z } from 'zod';
import { answerDockingErrors, receptorErrors } from './answer-docking-error.ts';

const receptor = z.string().min(1).meta({
  title: 'Receptor',
  description: 'A protein structure. Its first model is used, without waters, ligands and ions.',
  contentMediaType: 'chemical/x-pdb',
});

const response = z.object({
  receptor: z.string().meta({ title: 'Prepared receptor', contentMediaType: 'chemical/x-pdbqt' }),
  atoms: z.int().min(1).describe('Atoms in it, polar hydrogens included.'),
  removed_residues: z.array(z.string()).describe('Names of the residues that were left out, each once.'),
});

export const definePrepareReceptor = (producer: string): Operation =>
  defineOperation({
    taskKey: 'prepare-receptor',
    version: '1.0.0',
    title: 'Prepare a receptor',
    description: 'Makes a rigid receptor for AutoDock Vina from a PDB file, protonated at pH 7.4.',
    determinism: 'exact',
    producer,
    category: 'preparation',
    request: z.object({ receptor }),
    response,
    errors: receptorErrors,
    async run({ receptor }, { signal }) {
      const { pdbqt, atoms, removedResidues } = await answerDockingErrors(prepareReceptor(receptor, { signal }));
      return { receptor: pdbqt, atoms, removed_residues: [...removedResidues] };
    },
  });
