import type { PipelineSpecInput } from '@mad/core';
import { reportOf } from './work-service.ts';

/** A graph of `work` steps, and the step in its middle at which things happen to its executor. */
export interface WorkGraph {
  readonly name: string;
  /** Step → the steps it reads from; in an order in which each comes after those. */
  readonly steps: Readonly<Record<string, readonly string[]>>;
  readonly middle: string;
  readonly last: string;
}

const workers = Array.from({ length: 8 }, (_, index) => `worker-${index + 1}`);

export const CHAIN: WorkGraph = {
  name: 'chain',
  steps: { a: [], b: ['a'], c: ['b'], d: ['c'], e: ['d'] },
  middle: 'b',
  last: 'e',
};

export const FORK_JOIN: WorkGraph = {
  name: 'fork-join',
  steps: { fork: [], ...Object.fromEntries(workers.map((name) => [name, ['fork']])), join: workers },
  middle: 'worker-3',
  last: 'join',
};

export const DIAMOND: WorkGraph = {
  name: 'diamond',
  steps: { top: [], left: ['top'], right: ['top'], bottom: ['left', 'right'] },
  middle: 'left',
  last: 'bottom',
};

export const WORK_GRAPHS: readonly WorkGraph[] = [CHAIN, FORK_JOIN, DIAMOND];

/** Parameters of a job of any work graph. */
export interface WorkParameters {
  readonly salt: string;
  readonly bytes: number;
  /** How long the middle step takes. */
  readonly wait_ms: number;
}

/** The pipeline that runs the graph: every step adds what it reads from, and reads the report of the first of those. */
export function specOf({ steps, middle, last }: WorkGraph): PipelineSpecInput {
  const tasks = Object.entries(steps).map(([name, reads]) => ({
    name,
    task: 'work@^1',
    parameters: { step: name },
    inputs: {
      salt: { from: '/parameters/salt' },
      bytes: { from: '/parameters/bytes' },
      ...(name === middle ? { wait_ms: { from: '/parameters/wait_ms' } } : {}),
      ...(reads[0] === undefined ? {} : { before: { from: `/steps/${reads[0]}/output/report` } }),
      ...Object.fromEntries(reads.map((step, index) => [`in${index + 1}`, { from: `/steps/${step}/output/value` }])),
    },
  }));
  return {
    version: 1,
    parameters: {
      type: 'object',
      properties: {
        salt: { type: 'string' },
        bytes: { type: 'integer', minimum: 1, maximum: 10_000_000 },
        wait_ms: { type: 'integer', minimum: 0, maximum: 60_000 },
      },
      required: ['salt', 'bytes', 'wait_ms'],
      additionalProperties: false,
    },
    tasks,
    outputs: { report: { from: `/steps/${last}/output/report` } },
  };
}

/** What every step must give, computed here: step → its value and report. */
export function expectedOf(
  { steps }: WorkGraph,
  { salt, bytes }: WorkParameters,
): ReadonlyMap<string, { readonly value: number; readonly report: Buffer }> {
  const expected = new Map<string, { value: number; report: Buffer }>();
  for (const [step, reads] of Object.entries(steps)) {
    const value = reads.reduce((sum, read) => sum + (expected.get(read)?.value ?? 0), 1);
    const before = expected.get(reads[0] ?? '')?.report;
    expected.set(step, { value, report: reportOf({ salt, step, bytes, value, before }) });
  }
  return expected;
}
