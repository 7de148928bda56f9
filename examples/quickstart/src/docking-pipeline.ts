import type { PipelineSpecInput } from '@mad/core';
import { maxBoxEdge } from '@mad/docking';

const coordinate = { type: 'number', minimum: -10_000, maximum: 10_000 };
const point = {
  type: 'object',
  properties: { x: coordinate, y: coordinate, z: coordinate },
  required: ['x', 'y', 'z'],
  additionalProperties: false,
};
const length = { type: 'number', exclusiveMinimum: 0, maximum: maxBoxEdge };
const extent = { ...point, properties: { x: length, y: length, z: length } };

/** Receptor and ligand are prepared side by side, then docked. `dock` names the version range of the docking task. */
export function dockingPipeline({ dock }: { readonly dock: string }): PipelineSpecInput {
  return {
    version: 1,
    inputs: {
      type: 'object',
      properties: { receptor: { type: 'string', contentMediaType: 'chemical/x-pdb', title: 'Protein structure' } },
      required: ['receptor'],
      additionalProperties: false,
    },
    parameters: {
      type: 'object',
      properties: {
        smiles: { type: 'string', minLength: 1, maxLength: 2_000, title: 'Ligand as SMILES' },
        center: { ...point, title: 'Centre of the box in Å' },
        size: { ...extent, title: 'Edges of the box in Å' },
        exhaustiveness: { type: 'integer', minimum: 1, maximum: 128, default: 8 },
        num_modes: { type: 'integer', minimum: 1, maximum: 100, default: 9 },
        seed: { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
      },
      required: ['smiles', 'center', 'size'],
      additionalProperties: false,
    },
    tasks: [
      { name: 'prepare-receptor', task: 'prepare-receptor@^1', inputs: { receptor: { from: '/inputs/receptor' } } },
      { name: 'prepare-ligand', task: 'prepare-ligand@^1', inputs: { smiles: { from: '/parameters/smiles' } } },
      {
        name: 'dock',
        task: `dock@${dock}`,
        inputs: {
          receptor: { from: '/steps/prepare-receptor/output/receptor' },
          ligand: { from: '/steps/prepare-ligand/output/ligand' },
          center: { from: '/parameters/center' },
          size: { from: '/parameters/size' },
          exhaustiveness: { from: '/parameters/exhaustiveness' },
          num_modes: { from: '/parameters/num_modes' },
          seed: { from: '/parameters/seed' },
        },
      },
    ],
    outputs: {
      receptor_pdbqt: { from: '/steps/prepare-receptor/output/receptor' },
      ligand_pdbqt: { from: '/steps/prepare-ligand/output/ligand' },
      poses_pdbqt: { from: '/steps/dock/output/poses_pdbqt' },
      log: { from: '/steps/dock/output/log' },
    },
    docking: { poses: { from: '/steps/dock/output/poses' } },
  };
}
