import type { JsonObject } from '../json.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { CacheIdentity, ResultCache } from '../ports/result-cache.ts';

/** The cache identity of a whole job; undefined where a step may not be cached, because then the job may not be either. */
export function identifyJob(
  cache: ResultCache,
  job: { spec: PublishedSpec; inputs: JsonObject; parameters: JsonObject },
): CacheIdentity | undefined {
  const { spec, inputs, parameters } = job;
  if (spec.tasks.some((step) => step.cache !== 'use')) return undefined;
  const flow = spec.tasks.map(({ name, inputs, parameters }) => ({ name, inputs, parameters }));
  return cache.identifyJob({
    spec: { tasks: flow, outputs: spec.outputs, docking: spec.docking ?? null },
    tasks: spec.tasks.map(({ identity }) => identity),
    inputs,
    parameters,
  });
}
