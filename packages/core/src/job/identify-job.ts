import type { OrgId } from '../ids.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { CacheIdentity, ResultCache } from '../ports/result-cache.ts';

/** The cache identity of a whole job; undefined where a step may not be cached, because then the job may not be either. */
export async function identifyJob(
  cache: ResultCache,
  job: { orgId: OrgId; spec: PublishedSpec; inputs: JsonObject; parameters: JsonObject },
): Promise<CacheIdentity | undefined> {
  const { orgId, spec, inputs, parameters } = job;
  if (spec.tasks.some((step) => step.cache !== 'use')) return undefined;
  // What decides the result; not how often a step is tried, how long it may take, and what its failure means: a job with a failure is not kept.
  const flow = spec.tasks.map(({ name, dependsOn, inputs, parameters, when, forEach }) => ({
    ...{ name, dependsOn: dependsOn.toSorted(), inputs, parameters },
    when: (when ?? null) as JsonValue,
    items: forEach ? { from: forEach.items.from, key: forEach.key ?? null } : null,
  }));
  return cache.identifyJob({
    orgId,
    spec: { tasks: flow, outputs: spec.outputs, docking: spec.docking ?? null, suspicious: spec.cache.suspicious },
    tasks: spec.tasks.map(({ identity }) => identity),
    inputs,
    parameters,
  });
}
