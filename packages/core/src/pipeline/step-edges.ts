import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { pointersOf } from './condition.ts';
import type { PipelineStep } from './pipeline-spec.ts';
import { findSourceStep } from './pointer.ts';

/** The edges of a pipeline at most; 10,000 steps in layers of 100 that each wait for the whole layer before them are 990,000. */
const MAX_EDGES = 1_000_000;
/** A graph with one slip repeated is told of it so often, not a million times. */
const MAX_ISSUES = 100;

/** What of a step says which others it waits for. */
export type StepSources = Pick<PipelineStep, 'dependsOn' | 'inputs'> & Partial<Pick<PipelineStep, 'when' | 'forEach'>>;

/** The names of the steps that a step waits for: those it declares, and those its inputs, its condition and its items are read from. */
export function dependenciesOf(step: StepSources): string[] {
  return [...new Set([...step.dependsOn, ...sourcesOf(step)])];
}

function sourcesOf({ inputs, when, forEach }: StepSources): string[] {
  const sources: string[] = [];
  const add = (from: string): void => {
    const source = findSourceStep(from);
    if (source !== undefined) sources.push(source);
  };
  for (const { from } of Object.values(inputs)) add(from);
  if (when) pointersOf(when).forEach(add);
  if (forEach) add(forEach.items.from);
  return sources;
}

/** The neighbours of all steps in one array: those of step `i` stand in `steps` from `starts[i]` up to `starts[i + 1]`. */
export interface Neighbours {
  readonly starts: Int32Array;
  readonly steps: Int32Array;
}

export function neighboursOf({ starts, steps }: Neighbours, position: number): Int32Array {
  return steps.subarray(starts[position], starts[position + 1]);
}

export function countNeighbours({ starts }: Neighbours, position: number): number {
  return (starts[position + 1] ?? 0) - (starts[position] ?? 0);
}

/** The same edges seen from their other ends. */
export function reverseEdges({ starts, steps }: Neighbours): Neighbours {
  const reversed = { starts: new Int32Array(starts.length), steps: new Int32Array(steps.length) };
  const free = new Int32Array(starts.length);
  for (let i = 0; i < steps.length; i++) free[steps[i] ?? 0] = (free[steps[i] ?? 0] ?? 0) + 1;
  for (let i = 0, before = 0; i < starts.length; i++) {
    const count = free[i] ?? 0;
    reversed.starts[i] = before;
    free[i] = before;
    before += count;
  }
  for (let from = 0; from + 1 < starts.length; from++) {
    const end = starts[from + 1] ?? 0;
    for (let i = starts[from] ?? 0; i < end; i++) {
      const to = steps[i] ?? 0;
      const at = free[to] ?? 0;
      reversed.steps[at] = from;
      free[to] = at + 1;
    }
  }
  return reversed;
}

/** The edges of a pipeline by the positions of its steps, so that following a million of them looks up no name. */
export interface StepEdges {
  readonly positions: ReadonlyMap<string, number>;
  readonly dependencies: Neighbours;
}

/** @throws {ValidationFailedError} for duplicate names, unknown dependencies and too many of them. */
export function readEdges(steps: readonly PipelineStep[]): StepEdges {
  const issues: ValidationIssue[] = [];
  const positions = new Map<string, number>();
  for (const [position, { name }] of steps.entries()) {
    if (positions.has(name))
      issues.push({
        pointer: `/tasks/${position}/name`,
        message: `the name ${name} is used twice; give each step its own`,
      });
    positions.set(name, position);
  }
  const sources = steps.map(sourcesOf);
  const mentions = steps.reduce((sum, { dependsOn }, i) => sum + dependsOn.length + (sources[i]?.length ?? 0), 0);
  const found: FoundEdges = {
    positions,
    steps: new Int32Array(Math.min(mentions, MAX_EDGES)),
    count: 0,
    lastNamedBy: new Int32Array(steps.length).fill(-1),
  };
  const starts = new Int32Array(steps.length + 1);
  for (const [position, { name, dependsOn }] of steps.entries()) {
    const unknown = addEdges(found, position, dependsOn) ?? addEdges(found, position, sources[position] ?? []);
    if (unknown !== undefined) {
      const message = `step ${name} depends on ${unknown}, which is no step of this pipeline`;
      issues.push({ pointer: `/tasks/${position}`, message });
    }
    starts[position + 1] = found.count;
  }
  if (found.count > MAX_EDGES)
    issues.push({ pointer: '/tasks', message: `expected ${MAX_EDGES} dependencies at most, got ${found.count}` });
  if (issues.length > 0)
    throw new ValidationFailedError({ subject: 'pipeline spec', issues: issues.slice(0, MAX_ISSUES) });
  return { positions, dependencies: { starts, steps: found.steps.subarray(0, found.count) } };
}

interface FoundEdges {
  readonly positions: ReadonlyMap<string, number>;
  readonly steps: Int32Array;
  count: number;
  /** By position, the step that named it last: tells a second mention without a set for each step. */
  readonly lastNamedBy: Int32Array;
}

/** A function of its own, called for each step, so that it is compiled early: a first graph of a million edges takes half the time. Returns a name that no step has. */
function addEdges(found: FoundEdges, position: number, names: readonly string[]): string | undefined {
  const { positions, lastNamedBy } = found;
  for (const name of names) {
    const dependency = positions.get(name);
    if (dependency === undefined) return name;
    if (lastNamedBy[dependency] === position) continue;
    lastNamedBy[dependency] = position;
    found.steps[found.count++] = dependency;
  }
  return undefined;
}
