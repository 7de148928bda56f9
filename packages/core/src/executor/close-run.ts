import { isArtifactReference } from '../artifacts/artifact-reference.ts';
import { formatArtifactUri } from '../artifacts/artifact-uri.ts';
import type { OrgId } from '../ids.ts';
import { identifyJob } from '../job/identify-job.ts';
import type { JobFailure } from '../job/job-failure.ts';
import { parsePoses, toDockingResult } from '../job/pose.ts';
import { findBound } from '../pipeline/bindings.ts';
import type { ResultCache } from '../ports/result-cache.ts';
import { insertDockingResults } from '../results/docking-result.repository.ts';
import { insertJobOutputs } from '../results/job.repository.ts';
import { appendJobEvents } from '../results/job-event.repository.ts';
import { closeJob } from '../results/job-lease.repository.ts';
import type { ResultsTransaction } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import { finishOpenTaskExecutions } from '../results/task-execution.repository.ts';
import { listTaskResults } from '../results/task-result.repository.ts';
import { lowestConfidence } from './confidence.ts';
import type { Journal } from './journal.ts';
import type { LoadedRun } from './load-run.ts';

export type RunEnd =
  | {
      readonly job: JobRow;
      readonly status: 'COMPLETED';
      readonly orgId: OrgId;
      readonly loaded: LoadedRun;
      readonly cache: ResultCache | undefined;
    }
  | { readonly job: JobRow; readonly status: 'FAILED'; readonly failure: JobFailure }
  | { readonly job: JobRow; readonly status: 'CANCELED' };

/** The one commit that ends a job: its outputs, poses and cache entry if it completed, its state and its last event. */
export async function closeRun(journal: Journal, end: RunEnd): Promise<void> {
  const { job_id: jobId, fence } = end.job;
  const error = end.status === 'FAILED' ? end.failure : undefined;
  await journal.commit(async (tx) => {
    const metrics = end.status === 'COMPLETED' ? await writeResults(tx, end) : {};
    if (end.status !== 'COMPLETED') await finishOpenTaskExecutions(tx, { jobId, status: end.status, error });
    await closeJob(tx, { jobId, fence, status: end.status, metrics, error });
    await appendJobEvents(tx, {
      jobId,
      events: [{ event: end.status, detail: error?.message, metadata: error && { error } }],
    });
  });
}

async function writeResults(
  tx: ResultsTransaction,
  { job, orgId, loaded, cache }: RunEnd & { status: 'COMPLETED' },
): Promise<Record<string, number | null>> {
  const { spec } = loaded;
  const scope = loaded.scope();
  const outputs = Object.entries(spec.outputs).flatMap(([key, binding]) => {
    const file = findBound(scope, binding);
    if (!isArtifactReference(file)) return [];
    const uri = formatArtifactUri({ orgId, digest: file.$artifact });
    return [{ key, uri, content_type: file.contentType, size_bytes: file.sizeBytes, checksum: file.$artifact }];
  });
  await insertJobOutputs(tx, { jobId: job.job_id, outputs });
  const poses = spec.docking ? parsePoses(findBound(scope, spec.docking.poses)) : [];
  await insertDockingResults(tx, { jobId: job.job_id, poses: poses.map(toDockingResult) });

  const results = await listTaskResults(tx, { jobId: job.job_id });
  const confidence = lowestConfidence(results.map((row) => row.confidence_score));
  const summary = { pose_count: poses.length, best_affinity: poses[0]?.affinity ?? null };
  const identity = cache && identifyJob(cache, { spec, inputs: scope.inputs, parameters: job.params });
  if (cache && identity) {
    await cache.record(tx, {
      identity,
      pipelineVersion: job.pipeline_version,
      taskName: '*',
      canonicalJobId: job.job_id,
      confidenceScore: confidence,
      artifactMap: Object.fromEntries(outputs.map(({ key, uri }) => [key, uri])),
      metricsSummary: summary,
      producer: { tasks: spec.tasks.map(({ task }) => task) },
      computeMs: 0,
    });
  }
  return summary;
}
