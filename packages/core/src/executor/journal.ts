import { isArtifactReference } from '../artifacts/artifact-reference.ts';
import { formatArtifactUri } from '../artifacts/artifact-uri.ts';
import { newId, type OrgId } from '../ids.ts';
import { type JobFailure, toJobFailure } from '../job/job-failure.ts';
import type { JsonObject } from '../json.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';
import type { CacheDecision, CacheHit, CacheIdentity, ResultCache } from '../ports/result-cache.ts';
import type { TaskOutcome } from '../ports/task-runner.ts';
import { appendJobEvents, type NewJobEvent } from '../results/job-event.repository.ts';
import { lockJobLease } from '../results/job-lease.repository.ts';
import type { ResultsDatabase, ResultsTransaction } from '../results/results-database.ts';
import { finishTaskExecution, insertTaskExecution } from '../results/task-execution.repository.ts';
import { insertTaskResult } from '../results/task-result.repository.ts';

export interface JournalOptions {
  readonly results: ResultsDatabase;
  readonly orgId: OrgId;
  readonly jobId: string;
  readonly fence: number;
  readonly holder: string;
  /** The label of the job's pipeline version, `name@version`. */
  readonly pipelineVersion: string;
}

/** What a completed attempt adds to the cache. */
export interface CacheRecord {
  readonly cache: ResultCache;
  readonly identity: CacheIdentity;
}

/**
 * Writes what happens to one job while its lease is held. Each call is one transaction that first proves the lease by its fence: after a lost
 * lease nothing is written and `LeaseLostError` is thrown. Events are numbered 1..n without a gap.
 */
export interface Journal {
  startAttempt(entry: {
    step: PublishedStep;
    attempt: number;
    cacheKey: string | null;
    decision: CacheDecision | undefined;
  }): Promise<string>;
  completeAttempt(entry: {
    step: PublishedStep;
    execId: string;
    outcome: TaskOutcome;
    confidence: number | null;
    record: CacheRecord | undefined;
  }): Promise<void>;
  failAttempt(entry: { step: PublishedStep; execId: string; error: unknown; canceled: boolean }): Promise<void>;
  retry(entry: { step: PublishedStep; error: unknown; waitMs: number }): Promise<void>;
  completeFromCache(entry: {
    step: PublishedStep;
    decision: CacheHit;
    cacheKey: string;
    result: CachedResult;
  }): Promise<void>;
  progress(entry: { step: PublishedStep; fraction: number }): Promise<void>;
  /** Any other change that belongs to this run. */
  commit<T>(change: (tx: ResultsTransaction) => Promise<T>): Promise<T>;
}

/** The row of the step that really ran. */
export interface CachedResult {
  readonly service_name: string | null;
  readonly schema_version: string | null;
  readonly confidence_score: number | null;
  readonly result_data: JsonObject;
}

export function createJournal({ results, orgId, jobId, fence, holder, pipelineVersion }: JournalOptions): Journal {
  const commit = <T>(change: (tx: ResultsTransaction) => Promise<T>): Promise<T> =>
    results.transaction().execute(async (tx) => {
      await lockJobLease(tx, { jobId, fence });
      return change(tx);
    });
  const append = (tx: ResultsTransaction, event: NewJobEvent) => appendJobEvents(tx, { jobId, events: [event] });

  return {
    commit,
    startAttempt: ({ step, attempt, cacheKey, decision }) =>
      commit(async (tx) => {
        const execId = newId();
        await insertTaskExecution(tx, {
          exec_id: execId,
          job_id: jobId,
          task_name: step.name,
          status: 'RUNNING',
          retries: attempt,
          task_definition_id: step.taskDefinitionId,
          worker_id: holder,
          cache_key: cacheKey,
          cache_outcome: decision ? (decision.outcome === 'miss' ? decision.reason : decision.outcome) : null,
        });
        await append(tx, { event: 'TASK_STARTED', detail: step.name, metadata: { task_name: step.name, attempt } });
        return execId;
      }),
    completeAttempt: ({ step, execId, outcome, confidence, record }) =>
      commit(async (tx) => {
        await insertTaskResult(tx, {
          job_id: jobId,
          task_name: step.name,
          service_name: outcome.serviceName,
          schema_version: outcome.schemaVersion,
          confidence_score: confidence,
          result_data: outcome.result,
        });
        await finishTaskExecution(tx, { execId, status: 'COMPLETED', serviceId: outcome.serviceId });
        await append(tx, {
          event: 'TASK_COMPLETED',
          detail: step.name,
          metadata: { task_name: step.name, compute_ms: Math.round(outcome.computeMs) },
        });
        await record?.cache.record(tx, {
          identity: record.identity,
          pipelineVersion,
          taskName: step.name,
          canonicalJobId: jobId,
          confidenceScore: confidence,
          artifactMap: artifactMapOf(orgId, outcome.result),
          metricsSummary: {},
          producer: { service_name: outcome.serviceName, schema_version: outcome.schemaVersion, task: step.task },
          computeMs: Math.round(outcome.computeMs),
        });
      }),
    failAttempt: ({ step, execId, error, canceled }) =>
      commit(async (tx) => {
        const failure: JobFailure = toJobFailure(error, step.name);
        await finishTaskExecution(tx, {
          execId,
          status: canceled ? 'CANCELED' : 'FAILED',
          error: canceled ? undefined : failure,
        });
        await append(tx, {
          event: canceled ? 'TASK_CANCELED' : 'TASK_FAILED',
          detail: step.name,
          metadata: { task_name: step.name, ...(canceled ? {} : { error: failure }) },
        });
      }),
    retry: ({ step, error, waitMs }) =>
      commit(async (tx) => {
        await append(tx, {
          event: 'TASK_RETRYING',
          detail: step.name,
          metadata: { task_name: step.name, wait_ms: waitMs, code: toJobFailure(error).code },
        });
      }),
    completeFromCache: ({ step, decision, cacheKey, result }) =>
      commit(async (tx) => {
        await insertTaskResult(tx, {
          job_id: jobId,
          task_name: step.name,
          service_name: result.service_name,
          schema_version: result.schema_version,
          confidence_score: result.confidence_score,
          result_data: result.result_data,
        });
        await append(tx, {
          event: 'TASK_CACHED',
          detail: step.name,
          metadata: { task_name: step.name, cache_key: cacheKey, canonical_job_id: decision.canonicalJobId },
        });
      }),
    progress: ({ step, fraction }) =>
      commit(async (tx) => {
        await append(tx, {
          event: 'TASK_PROGRESS',
          detail: step.name,
          metadata: { task_name: step.name, progress: fraction },
        });
      }),
  };
}

/** JSON Pointer of each file in a result → its URI. */
export function artifactMapOf(orgId: OrgId, result: JsonObject): Record<string, string> {
  const map: Record<string, string> = {};
  const visit = (value: JsonObject[string], pointer: string): void => {
    if (isArtifactReference(value)) map[pointer] = formatArtifactUri({ orgId, digest: value.$artifact });
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner as JsonObject[string], `${pointer}/${key}`);
    }
  };
  visit(result, '');
  return map;
}
