import { newId } from '../ids.ts';
import { type JobFailure, toJobFailure } from '../job/job-failure.ts';
import type { JsonObject } from '../json.ts';
import type { CacheDecision, CachedResult, CacheHit, NewCacheEntry } from '../ports/result-cache.ts';
import type { TaskOutcome } from '../ports/task-runner.ts';
import type { HeldCacheFlight } from '../results/cache-flight.repository.ts';
import type { LedJob } from '../results/followers.ts';
import type { NewJobEvent } from '../results/job-event.repository.ts';
import type {
  CommittedResult,
  EndedAttempt,
  JobClose,
  JobTransition,
  StartedAttempt,
} from '../results/job-transition.ts';
import type { StepInstance } from './step-plan.ts';

interface EndedCall {
  readonly execId: string;
  /** The service that had taken the work over; null where none had. */
  readonly serviceId: string | null;
}

/** What one moment of a job will write: each call adds rows and the event that tells of them. */
export class TransitionDraft {
  readonly events: NewJobEvent[] = [];
  readonly starts: StartedAttempt[] = [];
  readonly ends: EndedAttempt[] = [];
  readonly results: CommittedResult[] = [];
  readonly entries: NewCacheEntry[] = [];
  /** They end with what is recorded here. */
  readonly flights: HeldCacheFlight[] = [];
  /** Of the job that ends here: whether equal jobs may have its result. */
  shared: Pick<LedJob, 'isShared' | 'confidence'> = { isShared: false, confidence: null };
  claim = false;
  close: JobClose | undefined;

  get isEmpty(): boolean {
    return this.events.length === 0 && this.close === undefined;
  }

  tell(event: string, { name, ...metadata }: { readonly name: string } & JsonObject): void {
    this.events.push({ event, detail: name, metadata: { task_name: name, ...metadata } });
  }

  start(
    { step, name }: StepInstance,
    given: {
      readonly attempt: number;
      readonly cacheKey: string | null;
      readonly decision: CacheDecision | undefined;
      /** Drawn for a request that was sent without one. */
      readonly seed: number | undefined;
    },
  ): string {
    const { attempt, cacheKey, decision, seed } = given;
    const execId = newId();
    const cacheOutcome = decision ? (decision.outcome === 'miss' ? decision.reason : decision.outcome) : null;
    this.starts.push({
      ...{ execId, taskName: name, status: 'RUNNING' as const, attempt, cacheKey, cacheOutcome },
      ...{ taskDefinitionId: step.taskDefinitionId, error: null },
    });
    this.tell('TASK_STARTED', { name, attempt, ...(seed !== undefined && { seed }) });
    return execId;
  }

  complete(
    { name }: StepInstance,
    { execId, outcome }: { readonly execId: string; readonly outcome: TaskOutcome },
  ): void {
    const { result: resultData, serviceId, serviceName, schemaVersion, computeMs } = outcome;
    this.ends.push({ execId, status: 'COMPLETED', serviceId, error: null });
    const confidenceScore = confidenceOf(resultData);
    this.results.push({ taskName: name, serviceName, schemaVersion, confidenceScore, resultData });
    this.tell('TASK_COMPLETED', { name, compute_ms: Math.round(computeMs) });
  }

  completeFromCache(
    { name }: StepInstance,
    { hit, cacheKey, result }: { readonly hit: CacheHit; readonly cacheKey: string; readonly result: CachedResult },
  ): void {
    this.results.push({
      taskName: name,
      serviceName: result.serviceName,
      schemaVersion: result.schemaVersion,
      confidenceScore: hit.confidenceScore,
      resultData: result.resultData,
    });
    this.tell('TASK_CACHED', { name, cache_key: cacheKey, canonical_job_id: hit.canonicalJobId });
  }

  fail({ name }: StepInstance, { execId, serviceId, failure }: EndedCall & { readonly failure: JobFailure }): void {
    this.ends.push({ execId, status: 'FAILED', serviceId, error: failure });
    this.tell('TASK_FAILED', { name, error: failure });
  }

  /** What failed came before the call. */
  refuse(
    { step, name }: StepInstance,
    { attempt, error }: { readonly attempt: number; readonly error: unknown },
  ): void {
    const failure = toJobFailure(error, name);
    this.starts.push({
      ...{ execId: newId(), taskName: name, status: 'FAILED', attempt, cacheKey: null, cacheOutcome: null },
      ...{ taskDefinitionId: step.taskDefinitionId, error: failure },
    });
    this.tell('TASK_FAILED', { name, error: failure });
  }

  stop({ name }: StepInstance, { execId, serviceId }: EndedCall): void {
    this.ends.push({ execId, status: 'CANCELED', serviceId, error: null });
    this.tell('TASK_CANCELED', { name });
  }

  skip({ step, reason }: { readonly step: StepInstance['step']; readonly reason: string }): void {
    const { name, taskDefinitionId } = step;
    const status = 'CANCELED' as const;
    const error = { code: SKIPPED, message: reason };
    this.starts.push({
      ...{
        execId: newId(),
        taskName: name,
        status,
        attempt: 0,
        cacheKey: null,
        cacheOutcome: null,
        taskDefinitionId,
        error,
      },
    });
    this.tell('TASK_SKIPPED', { name, reason });
  }

  end(close: JobClose): void {
    this.close = close;
    const { status, error } = close;
    const message = typeof error?.message === 'string' ? error.message : undefined;
    this.events.push({ event: status, detail: message, metadata: error ? { error } : {} });
  }

  /** The whole job is recorded, for those that ask the same. */
  share(entry: NewCacheEntry): void {
    this.entries.push(entry);
    this.shared = { isShared: true, confidence: entry.confidenceScore };
  }

  toTransition(held: { readonly jobId: string; readonly fence: number }): JobTransition {
    const { claim, close, events, starts, ends, results } = this;
    return { ...held, claim, close, events, starts, ends, results };
  }
}

/** `error.code` of the row that stands for a step that was skipped. */
export const SKIPPED = 'SKIPPED';

/** The confidence a task states in its response as `confidence_score`, 0..1; null where it states none. */
export function confidenceOf(result: JsonObject): number | null {
  const score = result.confidence_score;
  return typeof score === 'number' && score >= 0 && score <= 1 ? score : null;
}
