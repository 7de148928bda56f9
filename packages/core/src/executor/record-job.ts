import type { OrgId } from '../ids.ts';
import { identifyJob } from '../job/identify-job.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { NewCacheEntry, ResultCache } from '../ports/result-cache.ts';
import type { JobToRun } from '../results/job-to-run.ts';
import type { JobClose } from '../results/job-transition.ts';
import { artifactMapOf, sumBytes } from './artifact-map.ts';
import type { StepPlan } from './step-plan.ts';

export interface CompletedJob {
  readonly orgId: OrgId;
  readonly job: JobToRun;
  readonly spec: PublishedSpec;
  readonly plan: StepPlan;
  readonly close: JobClose;
  /** Of its steps' results; null: not scored. */
  readonly confidences: readonly (number | null)[];
  /** Of the calls that were made for it. */
  readonly computeMs: number;
}

/**
 * The cache entry of a whole job; undefined where it may not be served again: a step of it is not cached, or a failure of it was passed
 * over, which another run might not meet. Its confidence is that of its least certain scored step.
 */
export async function toJobEntry(
  cache: ResultCache,
  { orgId, job, spec, plan, close, confidences, computeMs }: CompletedJob,
): Promise<NewCacheEntry | undefined> {
  const { inputs } = plan.scope;
  if (!plan.isWhole) return undefined;
  const identity = await identifyJob(cache, { orgId, spec, inputs, parameters: job.params });
  if (!identity) return undefined;
  return {
    identity,
    pipelineVersion: job.pipeline_version,
    taskName: '*',
    canonicalJobId: job.job_id,
    confidenceScore: leastOf(confidences),
    // Of the steps' answers, too: a job that is given this as a whole shows them.
    artifacts: {
      ...artifactMapOf(orgId, plan.scope.steps),
      ...Object.fromEntries(
        close.outputs.map(({ key, uri, size_bytes }) => [key, { uri, sizeBytes: Number(size_bytes ?? 0) }]),
      ),
    },
    metricsSummary: close.metrics,
    producer: { tasks: spec.tasks.map(({ task }) => task) },
    computeMs: Math.round(computeMs),
    inputBytes: sumBytes(artifactMapOf(orgId, inputs)),
    ignoredAnswerPointers: [],
  };
}

/** The confidence of a whole job: that of its least certain scored step; null where none is scored. */
function leastOf(confidences: readonly (number | null)[]): number | null {
  const scored = confidences.filter((score) => score !== null);
  return scored.length > 0 ? scored.reduce((least, score) => Math.min(least, score)) : null;
}
