import type { Clock } from '../clock.ts';
import { isMadError, TaskFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Logger } from '../logger.ts';
import { type BindingScope, bindRequest } from '../pipeline/bindings.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';
import type { CacheDecision, CacheIdentity, ResultCache } from '../ports/result-cache.ts';
import type { TaskOutcome, TaskRunner } from '../ports/task-runner.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { findTaskResult } from '../results/task-result.repository.ts';
import { confidenceOf } from './confidence.ts';
import type { Journal } from './journal.ts';
import { orAbort } from './or-abort.ts';
import { createProgressReporter } from './progress-reporter.ts';
import { runAttempts } from './run-attempts.ts';
import { wasAnswered } from './was-answered.ts';

/** Attempts of earlier runs of this job. */
export interface EarlierAttempts {
  /** All; they number the next one. */
  readonly attempts: number;
  /** Those that ended as a failure, and count against the retries. */
  readonly failed: number;
  /** Of these, those that the service answered. */
  readonly answered: number;
}

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
  readonly logger: Logger;
  readonly earlier: EarlierAttempts;
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
  let { attempts, answered } = run.earlier;
  return runAttempts({
    retry: step.retry,
    alreadyFailed: run.earlier.failed,
    clock: run.clock,
    signal: run.signal,
    attempt: () => attemptOnce(run, { request, identity, decision, attempt: attempts++, answered }),
    onRetry: async (error, waitMs) => {
      if (wasAnswered(error.failureCode)) answered++;
      await journal.retry({ step, error, waitMs });
    },
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
  /** Earlier attempts that the service answered. */
  readonly answered: number;
}

async function attemptOnce(run: StepRun, attempt: Attempt): Promise<JsonObject> {
  const { step, journal, cache } = run;
  const { identity, decision } = attempt;
  const cacheKey = identity?.cacheKey ?? null;
  const execId = await journal.startAttempt({ step, attempt: attempt.attempt, cacheKey, decision });
  const outcome = await callTask(run, attempt).catch(async (error: unknown) => {
    const failure = toTaskFailure(run, error);
    await journal.failAttempt({ step, execId, error: failure, canceled: run.signal.aborted });
    throw failure;
  });
  const record = cache && identity ? { cache, identity } : undefined;
  await journal.completeAttempt({ step, execId, outcome, confidence: confidenceOf(outcome.result), record });
  return outcome.result;
}

/** Time in which a runner whose call was aborted may cancel it at the service. */
const CLEAN_UP_MS = 5_000;

async function callTask(
  { orgId, jobId, step, tasks, journal, signal }: StepRun,
  { request, attempt, answered }: Attempt,
): Promise<TaskOutcome> {
  const timeout = AbortSignal.timeout(step.timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  const call = tasks.run({
    orgId,
    jobId,
    stepName: step.name,
    taskDefinitionId: step.taskDefinitionId,
    attempt,
    // Rises only when the service has answered: a call repeated after a crash or a lost connection carries the key of the one that was lost.
    idempotencyKey: `${jobId}/${step.name}/${answered}`,
    request,
    timeoutMs: step.timeoutMs,
    signal: either,
    onProgress: createProgressReporter({ everyMs: 1_000, report: (fraction) => journal.progress({ step, fraction }) }),
  });
  return orAbort(call, { signal: either, graceMs: CLEAN_UP_MS }).catch((cause: unknown) => {
    if (!timeout.aborted || signal.aborted) throw cause;
    throw new TaskFailedError({
      failureCode: 'TIMEOUT',
      message: `step ${step.name} gave no answer within ${step.timeoutMs} ms; raise its timeoutMs or lighten its work`,
      retryable: true,
      cause,
    });
  });
}

/** A runner may throw anything; what is no error of this library ends the step, and its cause goes to the log alone. */
function toTaskFailure({ orgId, jobId, step, signal, logger }: StepRun, error: unknown): unknown {
  if (isMadError(error) || signal.aborted) return error;
  logger.error(
    { err: error, org_id: orgId, job_id: jobId, step: step.name },
    'a task runner threw an error of its own',
  );
  return new TaskFailedError({
    failureCode: 'INTERNAL_ERROR',
    message: `step ${step.name} met an error of the task runner; the log of the executor names the cause`,
    retryable: false,
    cause: error,
  });
}
