import { identifyJob } from '../job/identify-job.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { ResultCache } from '../ports/result-cache.ts';
import type { JobToRun } from '../results/job-to-run.ts';
import type { JobClose } from '../results/job-transition.ts';
import type { AlsoCommit } from './journal.ts';
import type { StepPlan } from './step-plan.ts';

export interface CompletedJob {
  readonly job: JobToRun;
  readonly spec: PublishedSpec;
  readonly plan: StepPlan;
  readonly close: JobClose;
  /** Of its steps' results; null: not scored. */
  readonly confidences: readonly (number | null)[];
}

/**
 * What writes the cache entry of a whole job; undefined where it may not be served again: a step of it is not cached, or a failure of it was passed
 * over, which another run might not meet. Its confidence is that of its least certain scored step.
 */
export function toJobEntry(
  cache: ResultCache,
  { job, spec, plan, close, confidences }: CompletedJob,
): AlsoCommit | undefined {
  const { inputs } = plan.scope;
  const identity = plan.isWhole ? identifyJob(cache, { spec, inputs, parameters: job.params }) : undefined;
  if (!identity) return undefined;
  const scored = confidences.filter((score) => score !== null);
  const write: AlsoCommit['write'] = (tx) =>
    cache.record(tx, {
      identity,
      pipelineVersion: job.pipeline_version,
      taskName: '*',
      canonicalJobId: job.job_id,
      confidenceScore: scored.length > 0 ? Math.min(...scored) : null,
      artifactMap: Object.fromEntries(close.outputs.map(({ key, uri }) => [key, uri])),
      metricsSummary: close.metrics,
      producer: { tasks: spec.tasks.map(({ task }) => task) },
      computeMs: 0,
    });
  return { key: identity.cacheKey, write };
}
