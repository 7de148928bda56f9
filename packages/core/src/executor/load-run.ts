import { parseArtifactUri } from '../artifacts/artifact-uri.ts';
import { type JobCache, parseJobCache } from '../job/job-cache.ts';
import type { JobFailure } from '../job/job-failure.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { BindingScope } from '../pipeline/bindings.ts';
import { type PublishedSpec, parsePublishedSpec } from '../pipeline/pipeline-spec.ts';
import { listJobInputs } from '../results/job.repository.ts';
import { appendJobEvents } from '../results/job-event.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import { finishOpenTaskExecutions, listTaskExecutions } from '../results/task-execution.repository.ts';
import { listTaskResults } from '../results/task-result.repository.ts';
import type { Journal } from './journal.ts';
import type { EarlierAttempts } from './run-step.ts';
import { wasAnswered } from './was-answered.ts';

/** What a run starts from: the frozen pipeline, the inputs and all that earlier runs of the job committed. */
export interface LoadedRun {
  readonly spec: PublishedSpec;
  readonly cache: JobCache;
  /** Step instance → committed output; grows as steps commit. */
  readonly outputs: Map<string, JsonObject>;
  readonly scope: () => BindingScope;
  readonly earlierOf: (step: string) => EarlierAttempts;
}

const WORKER_LOST: JobFailure = {
  code: 'WORKER_LOST',
  message: 'the executor that ran this attempt ended before its answer was committed',
  retryable: true,
};

/** Reads the state of a job, and ends the attempts that a lost executor left RUNNING. */
export async function loadRun({
  results,
  journal,
  job,
}: {
  results: ResultsDatabase;
  journal: Journal;
  job: JobRow;
}): Promise<LoadedRun> {
  const { job_id: jobId } = job;
  const spec = parsePublishedSpec(job.spec);
  const inputs: Record<string, JsonValue> = {};
  for (const { key, uri, content_type, size_bytes } of await listJobInputs(results, { jobId })) {
    inputs[key] = {
      $artifact: parseArtifactUri(uri)?.digest ?? '',
      contentType: content_type ?? 'application/octet-stream',
      sizeBytes: Number(size_bytes ?? 0),
    };
  }
  const outputs = new Map((await listTaskResults(results, { jobId })).map((row) => [row.task_name, row.result_data]));
  const executions = await listTaskExecutions(results, { jobId });
  const lost = executions.filter(({ status }) => status === 'RUNNING');
  if (lost.length > 0) {
    await journal.commit(async (tx) => {
      await finishOpenTaskExecutions(tx, { jobId, status: 'FAILED', error: WORKER_LOST });
      await appendJobEvents(tx, {
        jobId,
        events: lost.map(({ task_name }) => ({ event: 'TASK_LOST', detail: task_name, metadata: { task_name } })),
      });
    });
  }
  const scope = (): BindingScope => ({
    inputs,
    parameters: job.params,
    steps: Object.fromEntries([...outputs].map(([name, output]) => [name, { output }])),
  });
  return {
    spec,
    cache: parseJobCache(job.cache),
    outputs,
    scope,
    earlierOf: (step) => {
      const own = executions.filter(({ task_name }) => task_name === step);
      const codes = own.flatMap(({ status, error }) => (status === 'FAILED' ? [error?.code] : []));
      const failed = codes.filter((code) => code !== WORKER_LOST.code);
      return { attempts: own.length, failed: failed.length, answered: failed.filter(wasAnswered).length };
    },
  };
}
