import { createStepGraph, type PublishedSpec, parseInstanceName } from '@mad/core';
import type { Percentiles } from './expected-time.ts';
import type { JobPlan, PlannedPart, PlannedStep } from './plan.ts';

const NOTHING: Percentiles = { p50: 0, p95: 0 };

/** What a plan comes to: the longest way through its steps, and all that would be computed. */
export function sumUp(
  spec: PublishedSpec,
  { job, steps }: { readonly job: PlannedPart; readonly steps: readonly PlannedStep[] },
): Pick<JobPlan, 'expected' | 'quota'> {
  const isAnswered = job.outlook === 'hit' || job.outlook === 'join';
  const taking = steps.filter(({ outlook }) => outlook === 'miss' || outlook === 'unknown' || outlook === 'join');
  const unknownSteps = taking.filter(({ expected }) => expected === null).map(({ taskName }) => taskName);
  const computed = isAnswered ? [] : taking.filter(({ outlook }) => outlook !== 'join');
  const elapsedSeconds = unknownSteps.length > 0 ? null : longestWay(spec, taking);
  return {
    expected: { elapsedSeconds, unknownSteps },
    quota: {
      jobs: job.outlook === 'hit' ? 0 : 1,
      computeSeconds: computed.reduce((sum, { expected }) => add(sum, expected ?? NOTHING), NOTHING),
    },
  };
}

function longestWay(spec: PublishedSpec, steps: readonly PlannedStep[]): Percentiles {
  const byStep = Map.groupBy(steps, ({ taskName }) => parseInstanceName(taskName).step);
  const graph = createStepGraph(spec.tasks);
  const starts = new Map<string, Percentiles>();
  let end = NOTHING;
  for (const { name } of graph.ordered) {
    const longest = (byStep.get(name) ?? []).reduce((most, { expected }) => max(most, expected ?? NOTHING), NOTHING);
    const done = add(starts.get(name) ?? NOTHING, longest);
    end = max(end, done);
    for (const next of graph.dependentsOf(name)) starts.set(next, max(starts.get(next) ?? NOTHING, done));
  }
  return end;
}

// To the millisecond, as times are measured: sums of fractions would show more.
const toMs = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;
const add = (a: Percentiles, b: Percentiles): Percentiles => ({ p50: toMs(a.p50 + b.p50), p95: toMs(a.p95 + b.p95) });
const max = (a: Percentiles, b: Percentiles): Percentiles => ({
  p50: Math.max(a.p50, b.p50),
  p95: Math.max(a.p95, b.p95),
});
