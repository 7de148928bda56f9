import { createHash } from 'node:crypto';
import {
  createInProcessQueue,
  createLocalArtifactStore,
  openMetadataDatabase,
  openResultsDatabase,
  type PipelineSpecInput,
  type Platform,
  publishPipeline,
} from '@mad/core';
import { createTaskRunner } from '@mad/tasks';
import type { DatabaseTemplate } from '@mad/testkit';
import { loadDatabase } from '../../executor/load/load-database.ts';
import { PAIR, SINGLE } from '../../executor/load/load-graphs.ts';
import { ORGANIZATIONS } from '../../executor/load/load-platform.ts';
import { specOf, type WorkGraph } from '../../executor/work/work-graphs.ts';
import { reportOf } from '../../executor/work/work-service.ts';

/** Jobs that have work in common, and what each of them must give. */
export interface FlightWork {
  readonly name: 'identical' | 'shared first step';
  /** Its middle step is the work that they have in common. */
  readonly graph: WorkGraph;
  readonly pipeline: string;
  /** Of the job with this number, in a round of its own. */
  parametersOf(round: FlightRound, index: number): Readonly<Record<string, string | number>>;
  /** Step → its value and the SHA-256 of its report, computed here. */
  expectedOf(round: FlightRound, index: number): ReadonlyMap<string, ExpectedStep>;
}

/** What all jobs of a round have in common. */
export interface FlightRound {
  /** Nobody computed it before. */
  readonly salt: string;
  /** How long the work takes. */
  readonly waitMs: number;
  /** Of each report. */
  readonly bytes: number;
}

export interface ExpectedStep {
  readonly value: number;
  readonly report: string;
}

/** Jobs of one step that ask for the same. */
const IDENTICAL: FlightWork = {
  ...{ name: 'identical', graph: SINGLE, pipeline: SINGLE.name },
  parametersOf: ({ salt, waitMs, bytes }) => ({ salt, bytes, wait_ms: waitMs }),
  expectedOf: (round) => new Map([[SINGLE.last, { value: 1, report: sha256(firstReport(round, SINGLE.last)) }]]),
};

/** Jobs of two steps whose first asks for the same, whose second does not. */
const SHARED_FIRST_STEP: FlightWork = {
  ...{ name: 'shared first step', graph: PAIR, pipeline: 'shared-first-step' },
  parametersOf: ({ salt, waitMs, bytes }, index) => ({ salt, bytes, wait_ms: waitMs, own: ownSalt(index) }),
  expectedOf(round, index) {
    const first = firstReport(round, 'first');
    const second = reportOf({ salt: ownSalt(index), step: 'second', bytes: round.bytes, value: 2, before: first });
    return new Map([
      ['first', { value: 1, report: sha256(first) }],
      ['second', { value: 2, report: sha256(second) }],
    ]);
  },
};

export const FLIGHT_WORKS: readonly FlightWork[] = [IDENTICAL, SHARED_FIRST_STEP];

const ownSalt = (index: number): string => `job ${index}`;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function firstReport({ salt, bytes }: FlightRound, step: string): Buffer {
  return reportOf({ salt, step, bytes, value: 1, before: undefined });
}

/** The databases of the checks, and a pipeline whose second step has a parameter of its own. */
export const flightDatabase: DatabaseTemplate<unknown> = {
  name: 'checks_flight',
  async fill(db) {
    await loadDatabase.fill(db);
    const [{ schema, caller }] = ORGANIZATIONS;
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
    await using tasks = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
    const results = openResultsDatabase(db, { schema });
    const platform: Platform = {
      ...{ metadata, artifacts, tasks, queue: createInProcessQueue() },
      results: { get: async () => results },
    };
    const { pipeline: name } = SHARED_FIRST_STEP;
    await publishPipeline(platform, caller, { name, version: '1.0.0', spec: sharedFirstStepSpec() });
  },
};

function sharedFirstStepSpec(): PipelineSpecInput {
  const { parameters, tasks, ...spec } = specOf(PAIR);
  const { properties, required, ...schema } = parameters as { properties: object; required: readonly string[] };
  return {
    ...spec,
    parameters: { ...schema, properties: { ...properties, own: { type: 'string' } }, required: [...required, 'own'] },
    tasks: tasks.map((task) =>
      task.name === 'second' ? { ...task, inputs: { ...task.inputs, salt: { from: '/parameters/own' } } } : task,
    ),
  };
}
