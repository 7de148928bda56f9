import { setTimeout } from 'node:timers/promises';
import { defineOperation, TaskServiceError } from '@mad/tasks/service';
import { z } from 'zod';

const pdb = z.string().min(1).meta({ contentMediaType: 'chemical/x-pdb' });

/** Answers at once: turns a file into another and counts what it was given. */
export const measure = defineOperation({
  taskKey: 'measure',
  version: '1.0.0',
  title: 'Measure a molecule',
  description: 'Counts the atoms of a molecule.',
  determinism: 'exact',
  producer: 'measure 1.0.0',
  request: z.object({
    molecule: pdb,
    scale: z.number().positive().default(1),
    cpu: z.int().min(0).default(0).meta({ 'x-mad-cache': 'ignore' }),
  }),
  response: z.object({
    atoms: z.int(),
    files: z.array(z.object({ name: z.string(), content: z.string().meta({ contentMediaType: 'text/plain' }) })),
  }),
  errors: { NO_ATOMS: 'the molecule has no atoms' },
  run({ molecule, scale }) {
    const atoms = molecule.split('\n').filter((line) => line.startsWith('ATOM')).length;
    if (atoms === 0)
      throw new TaskServiceError({
        code: 'NO_ATOMS',
        message: 'the molecule has no atoms; pass a PDB with ATOM records',
      });
    return { atoms, files: [{ name: 'report', content: `atoms ${atoms * scale}\n` }] };
  },
});

/** Takes its time, tells how far it is, and stops when it is told to. */
export const wait = defineOperation({
  taskKey: 'wait',
  version: '2.1.0',
  title: 'Wait',
  description: 'Waits and reports progress.',
  determinism: 'external',
  longRunning: true,
  request: z.object({ ms: z.int().min(0), failWith: z.string().optional() }),
  response: z.object({ waitedMs: z.int() }),
  async run({ ms, failWith }, { signal, progress }) {
    for (let step = 1; step <= 4; step++) {
      await setTimeout(ms / 4, undefined, { signal });
      progress(step / 4);
    }
    if (failWith)
      throw new TaskServiceError({ code: failWith, message: 'failed as it was asked to', details: { waitedMs: ms } });
    return { waitedMs: ms };
  },
});
