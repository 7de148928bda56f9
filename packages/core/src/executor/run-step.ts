import type { Clock } from '../clock.ts';
import { TaskFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { type BindingScope, bindRequest } from '../pipeline/bindings.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';
import type { CacheDecision, CacheIdentity, ResultCache } from '../ports/result-cache.ts';
import type { TaskRunner } from '../ports/task-runner.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { findTaskResult } from '../results/task-result.repository.ts';
import { confidenceOf } from './confidence.ts';
import type { Journal } from './journal.ts';
import { createProgressReporter } from './progress-reporter.ts';
import { runAttempts } from './run-attempts.ts';

export interface StepRun {
  readonly orgId: OrgId;
  readonly jobId: string;
  readonly step: PublishedStep;
  readonly scope: BindingScope;
  readonly results: ResultsDatabase;
  readonly journal: Journal;
  readonly tasks: TaskRunner;
  /** Absent: the job neither reads nor fills the cache. */
  readonly cache: ResultCache | undefined;
  readonly minConfidence: number | undefined;
  readonly serveFromCache: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Attempts of earlier runs of this job that ended at the service, and all attempts, which number the next one. */
  readonly earlier: { readonly failed: number; readonly attempts: number };
}

/** Brings one step to its committed output: from the cache, or by attempts at a service. Throws what ended the last attempt. */
export async function runStep(run: StepRun): Promise<JsonObject> {
  const { orgId, step, tasks, journal } = run;
  const { request, identity: task } = await tasks.prepare(orgId, {
    taskDefinitionId: step.taskDefinitionId,
    request: bindRequest(run.scope, step),
  });
  const identity = step.cache === 'off' ? undefined : run.cache?.identifyStep({ task, request });
  const decision = await lookUp(run, identity);
  if (decision?.outcome === 'hit') {
    const result = await findTaskResult(run.results, { jobId: decision.canonicalJobId, taskName: decision.taskName });
    // An entry may lose its job between the look-up and here; then this is a miss like any other.
    if (result && identity) {
      await journal.completeFromCache({ step, decision, cacheKey: identity.cacheKey, result });
      return result.result_data;
    }
  }
  let attempts = run.earlier.attempts;
  return runAttempts({
    retry: step.retry,
    alreadyFailed: run.earlier.failed,
    clock: run.clock,
    signal: run.signal,
    attempt: (failed) => attemptOnce(run, { request, identity, decision, attempt: attempts++, failed }),
    onRetry: (error, waitMs) => journal.retry({ step, error, waitMs }),
  });
}

async function lookUp(
  { step, cache, results, orgId, minConfidence, serveFromCache }: StepRun,
  identity: CacheIdentity | undefined,
): Promise<CacheDecision | undefined> {
  if (!cache || !identity || !serveFromCache || step.cache !== 'use') return undefined;
  return cache.find(results, { orgId, cacheKey: identity.cacheKey, minConfidence });
}

interface Attempt {
  readonly request: JsonObject;
  readonly identity: CacheIdentity | undefined;
  readonly decision: CacheDecision | undefined;
  readonly attempt: number;
  readonly failed: number;
}

async function attemptOnce(
  run: StepRun,
  { request, identity, decision, attempt, failed }: Attempt,
): Promise<JsonObject> {
  const { orgId, jobId, step, journal, cache } = run;
  const execId = await journal.startAttempt({ step, attempt, cacheKey: identity?.cacheKey ?? null, decision });
  const timeout = AbortSignal.timeout(step.timeoutMs);
  try {
    const outcome = await run.tasks
      .run({
        orgId,
        jobId,
        stepName: step.name,
        taskDefinitionId: step.taskDefinitionId,
        attempt,
        // Counts only attempts that got an answer: a call repeated after a crash carries the key of the one that was lost.
        idempotencyKey: `${jobId}/${step.name}/${failed}`,
        request,
        timeoutMs: step.timeoutMs,
        signal: AbortSignal.any([run.signal, timeout]),
        onProgress: createProgressReporter({
          everyMs: 1_000,
          report: (fraction) => journal.progress({ step, fraction }),
        }),
      })
      .catch((cause: unknown) => {
        if (!timeout.aborted || run.signal.aborted) throw cause;
        throw new TaskFailedError({
          failureCode: 'TIMEOUT',
          message: `step ${step.name} gave no answer within ${step.timeoutMs} ms; raise its timeoutMs or lighten its work`,
          retryable: true,
          cause,
        });
      });
    const record = cache && identity ? { cache, identity } : undefined;
    await journal.completeAttempt({ step, execId, outcome, confidence: confidenceOf(outcome.result), record });
    return outcome.result;
  } catch (error) {
    await journal.failAttempt({ step, execId, error, canceled: run.signal.aborted });
    throw error;
  }
}
