import { TaskFailedError } from '../errors.ts';
import type { JobCache } from '../job/job-cache.ts';
import { toJobFailure } from '../job/job-failure.ts';
import { mayShare } from '../job/may-share.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { type BindingScope, bindRequest } from '../pipeline/bindings.ts';
import type { CacheIdentity, NewCacheEntry } from '../ports/result-cache.ts';
import type { AcceptedWork, TaskIdentity, TaskOutcome } from '../ports/task-runner.ts';
import { artifactMapOf, sumBytes } from './artifact-map.ts';
import { cancelAccepted } from './cancel-accepted.ts';
import { tell } from './diagnostics.ts';
import { drawSeed, withSeed } from './draw-seed.ts';
import type { EarlierAttempts } from './earlier-runs.ts';
import type { ExecutorContext } from './executor-context.ts';
import { endsJob, type JobEnding, StepStopped, toCutOff } from './job-ending.ts';
import { retryWaitMs } from './retry-wait.ts';
import { SharedStep } from './shared-step.ts';
import type { StepInstance } from './step-plan.ts';
import { attemptTask, toRunnerFailure } from './task-attempt.ts';
import { confidenceOf, TransitionDraft } from './transition-draft.ts';
import { mayGoOn, wasAnswered } from './was-answered.ts';
import { within } from './within.ts';

/** The run that an instance belongs to. */
export interface InstanceHost {
  readonly jobId: string;
  /** The label `name@version`. */
  readonly pipelineVersion: string;
  readonly cacheWish: JobCache;
  /** Set when the run starts nothing more. */
  readonly ending: JobEnding | undefined;
  /** False: an answer of an earlier run is computed again, as the pipeline's policy says of suspicious ones. */
  mayTake(instance: StepInstance, result: JsonObject): boolean;
  /** As `mayTake`, of an answer that was computed now: false keeps it, and the job, from being shown to others. */
  isShared(instance: StepInstance, result: JsonObject): boolean;
  commit(draft: TransitionDraft): Promise<void>;
  /** A service has taken over the work of an attempt: it is noted before anybody asks for it. */
  accepted(execId: string, work: AcceptedWork): Promise<void>;
  completed(
    run: InstanceRun,
    given: { result: JsonObject; confidence: number | null; computeMs: number; draft: TransitionDraft },
  ): Promise<void>;
  failed(run: InstanceRun, given: { error: unknown; draft: TransitionDraft }): Promise<void>;
  /** Ended without an outcome: the job or the step it belongs to has ended. */
  stopped(run: InstanceRun, draft: TransitionDraft): Promise<void>;
  note(draft: TransitionDraft): Promise<void>;
  /** What it ran into is no outcome: the run is broken off. */
  broke(run: InstanceRun, error: unknown): void;
}

/** How long a request may be made before the run is broken off. */
const PATIENCE_MS = 60_000;

/** One step instance on its way to an outcome: from the cache, or by attempts at a service. */
export class InstanceRun {
  readonly instance: StepInstance;
  readonly #context: ExecutorContext;
  readonly #host: InstanceHost;
  #controller = new AbortController();
  #request: JsonObject = {};
  #identity: CacheIdentity | undefined;
  #execId: string | undefined;
  #attempt: number;
  #failed: number;
  #answered: number;
  #calledAt = 0;
  #accepted: AcceptedWork | undefined;
  #task: TaskIdentity | undefined;
  #seed: number | undefined;
  #inputBytes = 0;
  /** With those that ask the same; undefined where the cache is off. */
  #shared: SharedStep | undefined;

  constructor(given: {
    context: ExecutorContext;
    host: InstanceHost;
    instance: StepInstance;
    earlier: EarlierAttempts;
  }) {
    this.#context = given.context;
    this.#host = given.host;
    this.instance = given.instance;
    this.#attempt = given.earlier.attempts;
    this.#failed = given.earlier.failed;
    this.#answered = given.earlier.answered;
    this.#accepted = given.earlier.accepted;
  }

  /** True between the attempts, and while the cache is asked. */
  get isWaiting(): boolean {
    return this.#execId === undefined;
  }

  /** True when the cache is asked before the first attempt. */
  get asksCache(): boolean {
    return this.#identity !== undefined && this.#host.cacheWish.use && this.instance.step.cache === 'use';
  }

  abort(reason: DOMException): void {
    this.#controller.abort(reason);
  }

  /**
   * Makes the request.
   * @throws {ValidationFailedError} when what is bound breaks the task's interface.
   * @throws {TaskFailedError} `INTERNAL_ERROR` for a mistake of the runner's.
   */
  async prepare(scope: BindingScope): Promise<void> {
    try {
      await this.#makeRequest(scope);
    } catch (error) {
      throw isMistake(error) ? toRunnerFailure({ ...this.#context, ...this.#place() }, error) : error;
    }
  }

  async #makeRequest(scope: BindingScope): Promise<void> {
    const { orgId, tasks, cache } = this.#context;
    const { step, item } = this.instance;
    const preparing = tasks.prepare(orgId, {
      taskDefinitionId: step.taskDefinitionId,
      request: bindRequest(scope, step, item?.value),
    });
    const { signal } = this.#controller;
    const { request, identity: task, missingSeed } = await within(preparing, { signal, ms: PATIENCE_MS });
    if (!isJsonObject(request)) throw new TypeError('expected { request, identity } of a task runner');
    this.#task = task;
    if (cache && step.cache !== 'off') {
      this.#identity = await within(cache.identifyStep({ orgId, task, request }), { signal, ms: PATIENCE_MS });
      this.#inputBytes = sumBytes(artifactMapOf(orgId, request));
      this.#shared = this.#share(task, this.#identity);
    }
    this.#seed = missingSeed && drawSeed(missingSeed, `${this.#host.jobId}/${this.instance.name}`);
    this.#request = missingSeed && this.#seed !== undefined ? withSeed(request, missingSeed, this.#seed) : request;
  }

  #share({ determinism }: TaskIdentity, { cacheKey }: CacheIdentity): SharedStep {
    const { jobId, cacheWish } = this.#host;
    return new SharedStep({
      ...{ context: this.#context, jobId, name: this.instance.name, cacheKey, cacheWish },
      isShareable: mayShare(determinism, { acceptStochastic: cacheWish.accept_stochastic }),
      mayTake: (result) => this.#host.mayTake(this.instance, result),
      note: (draft) => this.#host.note(draft),
    });
  }

  draftAttempt(draft: TransitionDraft): void {
    const cacheKey = this.#identity?.cacheKey ?? null;
    const given = { attempt: this.#attempt, cacheKey, decision: this.#shared?.decision, seed: this.#seed };
    this.#execId = draft.start(this.instance, given);
    this.#attempt++;
  }

  /** The request could not be made: a row tells of it, so that the next run of the job knows. */
  draftRefused(draft: TransitionDraft, error: unknown): void {
    draft.refuse(this.instance, { attempt: this.#attempt, error });
  }

  /** Goes on from a committed start, or from the cache. Never rejects. */
  async go(): Promise<void> {
    try {
      if (this.#execId === undefined) await this.#askCache();
      else await this.#callOnce(this.#execId);
    } catch (error) {
      await this.#shared?.leave();
      this.#host.broke(this, error);
    }
  }

  async #askCache(): Promise<void> {
    const draft = new TransitionDraft();
    const { signal } = this.#controller;
    const isUnderWay = this.#accepted !== undefined;
    const served = await this.#shared?.findServed({ signal, isUnderWay }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    if (!served || signal.aborted) return this.#start(draft);
    const { result, confidenceScore: confidence, canonicalJobId: canonical_job_id } = served;
    const cacheKey = this.#identity?.cacheKey ?? '';
    draft.completeFromCache(this.instance, { hit: served, cacheKey, result });
    tell('step.cached', { ...this.#facts(), cache_key: cacheKey, canonical_job_id });
    await this.#host.completed(this, { result: result.resultData, confidence, computeMs: 0, draft });
  }

  async #start(draft: TransitionDraft): Promise<void> {
    if (this.#host.ending || this.#controller.signal.aborted) {
      await this.#abandon();
      await this.#shared?.leave();
      return this.#host.stopped(this, draft);
    }
    this.draftAttempt(draft);
    await this.#host.commit(draft);
    await this.#callOnce(this.#execId ?? '');
  }

  /** What a service took over in an earlier attempt is not waited for any more, unless the job goes on elsewhere. */
  async #abandon(): Promise<void> {
    const accepted = this.#accepted;
    const isOver = this.#host.ending?.kind === 'close' || this.#controller.signal.reason instanceof StepStopped;
    const { taskDefinitionId } = this.instance.step;
    if (accepted && isOver) await cancelAccepted(this.#context, [{ taskDefinitionId, accepted }]);
  }

  async #callOnce(execId: string): Promise<void> {
    const facts = this.#attemptFacts();
    tell('attempt.started', facts);
    this.#calledAt = performance.now();
    let fault: { readonly error: unknown } | undefined;
    const calling = attemptTask({
      ...{ orgId: this.#context.orgId, tasks: this.#context.tasks, logger: this.#context.logger },
      ...{ jobId: this.#host.jobId, instance: this.instance, request: this.#request, controller: this.#controller },
      ...{ attempt: this.#attempt - 1, answered: this.#answered },
      onProgress: (fraction) => this.#progress(fraction),
      accepted: this.#accepted,
      onAccepted: async (work) => {
        try {
          await this.#host.accepted(execId, work);
          this.#accepted = work;
        } catch (error) {
          fault = { error };
          throw error;
        }
      },
    });
    tell('attempt.called', facts);
    let outcome: TaskOutcome;
    try {
      outcome = await calling;
    } catch (error) {
      // What could not be noted is no word of the service's: the run is broken off.
      if (fault) throw fault.error;
      return this.#callFailed(execId, error);
    }
    const { computeMs, computeMs: compute_ms, serviceName: service } = outcome;
    tell('attempt.answered', { ...facts, elapsed_ms: this.#elapsedMs, service, compute_ms });
    const draft = new TransitionDraft();
    draft.complete(this.instance, { execId, outcome });
    const isRecorded = this.#record(outcome, draft);
    if (this.#shared?.flight && isRecorded) draft.flights.push(this.#shared.flight);
    await this.#host.completed(this, {
      result: outcome.result,
      confidence: confidenceOf(outcome.result),
      computeMs,
      draft,
    });
    tell('step.completed', facts);
    await this.#shared?.end({ isRecorded });
  }

  async #callFailed(execId: string, error: unknown): Promise<void> {
    const draft = new TransitionDraft();
    const isStopped = this.#host.ending !== undefined || this.#controller.signal.reason instanceof StepStopped;
    if (isStopped || !endsJob(error))
      tell('attempt.canceled', { ...this.#attemptFacts(), elapsed_ms: this.#elapsedMs, reason: toCutOff(error) });
    if (isStopped) {
      draft.stop(this.instance, { execId, serviceId: this.#accepted?.serviceId ?? null });
      await this.#shared?.leave();
      return this.#host.stopped(this, draft);
    }
    // A database or store that is away is no failure of the job: the run is broken off and goes on when it is back.
    if (!endsJob(error)) throw error;
    const failure = toJobFailure(error, this.instance.name);
    tell('attempt.failed', { ...this.#attemptFacts(), elapsed_ms: this.#elapsedMs, code: failure.code });
    draft.fail(this.instance, { execId, failure, serviceId: this.#accepted?.serviceId ?? null });
    this.#failed++;
    if (!mayGoOn(failure.code)) this.#accepted = undefined;
    if (wasAnswered(failure.code)) this.#answered++;
    const { retry } = this.instance.step;
    if (error instanceof TaskFailedError && error.retryable && this.#failed < retry.attempts)
      return this.#retry(draft, failure.code);
    await this.#shared?.end({ isRecorded: false });
    await this.#host.failed(this, { error, draft });
  }

  async #retry(draft: TransitionDraft, code: string): Promise<void> {
    const waitMs = retryWaitMs(this.instance.step.retry, this.#failed);
    draft.tell('TASK_RETRYING', { name: this.instance.name, wait_ms: waitMs, code });
    this.#execId = undefined;
    // A timeout has aborted the controller of its attempt.
    this.#controller = new AbortController();
    await this.#host.commit(draft);
    tell('attempt.retrying', { ...this.#attemptFacts(), wait_ms: waitMs });
    if (!this.#host.ending) await this.#context.clock.sleep(waitMs, this.#controller.signal).catch(() => {});
    await this.#start(new TransitionDraft());
  }

  /** False where nobody else may have the answer. */
  #record({ result, serviceName, serviceId, schemaVersion, computeMs }: TaskOutcome, draft: TransitionDraft): boolean {
    const { cache, orgId } = this.#context;
    const identity = this.#identity;
    if (!cache || !identity || !this.#host.isShared(this.instance, result)) return false;
    const { name, step } = this.instance;
    draft.entries.push({
      identity,
      pipelineVersion: this.#host.pipelineVersion,
      taskName: name,
      canonicalJobId: this.#host.jobId,
      confidenceScore: confidenceOf(result),
      artifacts: artifactMapOf(orgId, result),
      metricsSummary: {},
      producer: {
        ...{ service_name: serviceName, service_id: serviceId, schema_version: schemaVersion, task: step.task },
        ...(this.#seed !== undefined && { seed: this.#seed }),
      },
      computeMs: Math.round(computeMs),
      inputBytes: this.#inputBytes,
      // How sure a task is may differ where its answer does not.
      ignoredAnswerPointers: [...(this.#task?.ignoredAnswerPointers ?? []), '/confidence_score'],
    } satisfies NewCacheEntry);
    return true;
  }

  async #progress(fraction: number): Promise<void> {
    const draft = new TransitionDraft();
    draft.tell('TASK_PROGRESS', { name: this.instance.name, progress: fraction });
    this.#shared?.progress(fraction);
    await this.#host.note(draft);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#calledAt;
  }

  #attemptFacts() {
    const decision = this.#shared?.decision;
    const cache = decision?.outcome === 'miss' ? decision.reason : null;
    return { ...this.#facts(), attempt: this.#attempt - 1, cache };
  }

  #place() {
    return { jobId: this.#host.jobId, instance: this.instance, attempt: this.#attempt };
  }

  #facts() {
    return { org_id: this.#context.orgId, job_id: this.#host.jobId, step: this.instance.name };
  }
}

/** True for errors of a program, which come again. A plain error, or fetch's TypeError with its cause, may be a database or network that is away. */
function isMistake(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  return error.cause === undefined && MISTAKES.some((kind) => error instanceof kind);
}

const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError];
