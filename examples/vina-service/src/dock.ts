import { boxCenterSchema, boxSizeSchema, maxVinaSeed, runVina, scoreVinaConfidence } from '@mad/docking';
import { defineOperation, type Operation } from '@mad/tasks/service';
import { z } from 'zod';
import { answerDockingErrors, ligandErrors, receptorErrors } from './answer-docking-error.ts';

const file = (title: string, contentMediaType: string) => z.string().meta({ title, contentMediaType });

const request = z.object({
  receptor: file('Prepared receptor', 'chemical/x-pdbqt'),
  ligand: file('Prepared ligand', 'chemical/x-pdbqt'),
  center: boxCenterSchema.describe('Center of the box, in ångström.'),
  size: boxSizeSchema.describe('Edges of the box, in ångström.'),
  exhaustiveness: z.int().min(1).max(1024).default(8).describe('Independent searches; time grows with it.'),
  num_modes: z.int().min(1).max(1000).default(9).meta({ title: 'Poses', description: 'At most this many.' }),
  energy_range: z.number().gt(0).max(100).default(3).meta({ description: 'Of the poses.', 'x-unit': 'kcal/mol' }),
  seed: z.int().min(1).max(maxVinaSeed).optional().describe('Repeats a result; drawn when absent.'),
  cpu: z.int().min(1).max(1024).optional().meta({ title: 'Threads', 'x-mad-advanced': true, 'x-mad-cache': 'ignore' }),
});

const pose = z.object({
  rank: z.int().min(1),
  affinity: z.number().meta({ description: 'Lower is better.', 'x-unit': 'kcal/mol' }),
  rmsd_lb: z.number().min(0).describe('ångström to pose 1, each atom to the nearest of its element'),
  rmsd_ub: z.number().min(0).describe('ångström to pose 1, each atom to itself'),
});

const response = z.object({
  poses: z.array(pose).min(1),
  poses_pdbqt: file('Poses', 'chemical/x-pdbqt'),
  log: file('Log of Vina', 'text/plain'),
  seed: z.int().describe('The seed that was used.'),
  engine_version: z.string(),
  confidence_score: z.number().min(0).max(1).nullable().describe('0 for an implausible result; null: not scored.'),
});

export const defineDock = (producer: string): Operation =>
  defineOperation({
    taskKey: 'dock',
    version: '1.0.0',
    title: 'Dock with AutoDock Vina',
    description: 'Searches for the poses of one ligand in a box of one receptor.',
    determinism: 'seeded',
    producer,
    category: 'docking',
    longRunning: true,
    // Vina takes every processor: a second run beside it would only make both late.
    concurrency: 1,
    request,
    response,
    errors: {
      ...receptorErrors,
      ...ligandErrors,
      NO_POSES: 'the box misses the receptor or is too small for the ligand',
      INVALID_BOX: 'center or size of the box are out of range',
      INVALID_POSES: 'Vina wrote a damaged file',
    },
    async run({ receptor, ligand, center, size, num_modes, energy_range, ...search }, { signal, progress }) {
      const box = { center, size };
      const limits = { numModes: num_modes, energyRange: energy_range, signal, onProgress: progress };
      const input = { receptorPdbqt: receptor, ligandPdbqt: ligand, box, ...search, ...limits };
      const result = await answerDockingErrors(runVina(input));
      const { outputPdbqt: poses_pdbqt, log, seed, engineVersion: engine_version } = result;
      const confidence_score = scoreVinaConfidence({ runs: [result.poses], box });
      return { poses: [...result.poses], poses_pdbqt, log, seed, engine_version, confidence_score };
    },
  });
