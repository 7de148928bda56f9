import { cancelJob, type JsonObject, newId, type Platform, publishPipeline, submitJob } from '@mad/core';
import { interpret } from './interpret.ts';
import { CALLER } from './property-world.ts';
import type { RandomJob } from './random-case.ts';
import { scriptedOutcome, stepAt } from './script.ts';
import type { TriedJob } from './scripted-tasks.ts';
import { toParameters, toSpec } from './to-spec.ts';

/** Publishes the pipeline of a random job and submits it. */
export async function submitRandomJob(platform: Platform, random: RandomJob): Promise<TriedJob> {
  const pipeline = `p-${newId()}`;
  const spec = toSpec(random);
  const parameters = toParameters(random);
  await publishPipeline(platform, CALLER, { name: pipeline, version: '1.0.0', spec });
  const { jobId } = await submitJob(platform, CALLER, { pipeline, parameters });
  const outcomeOf = (instance: { readonly name: string; readonly request: JsonObject }) =>
    scriptedOutcome(stepAt(random, instance.name), instance);
  const tried: TriedJob = {
    ...{ jobId, random, spec, prediction: interpret({ spec, parameters, outcomeOf }) },
    ...{
      calls: 0,
      attempts: new Set<string>(),
      violations: new Set<string>(),
      canceling: undefined,
      isCanceled: false,
    },
    cancel() {
      tried.canceling ??= cancelJob(platform, CALLER, { jobId }).then(
        () => {
          tried.isCanceled = true;
        },
        (error: unknown) => void tried.violations.add(`canceling failed: ${error}`),
      );
    },
  };
  return tried;
}
