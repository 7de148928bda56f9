import type { WorkGraph } from '../work/work-graphs.ts';

/** Two steps, one after the other. */
export const PAIR: WorkGraph = {
  name: 'pair',
  steps: { first: [], second: ['first'] },
  middle: 'first',
  last: 'second',
};

/** One step that takes the time it is told to. */
export const SINGLE: WorkGraph = { name: 'single', steps: { only: [] }, middle: 'only', last: 'only' };

/** The same on a machine with a GPU. */
export const SINGLE_GPU: WorkGraph = { ...SINGLE, name: 'single-gpu' };
