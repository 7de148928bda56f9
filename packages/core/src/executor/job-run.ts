import { LeaseLostError, TaskFailedError } from '../errors.ts';
import { type JobCache, parseJobCache } from '../job/job-cache.ts';
import { toJobFailure } from '../job/job-failure.ts';
import type { JsonObject } from '../json.ts';
import type { PublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { AcceptedWork } from '../ports/task-runner.ts';
import type { JobToRun } from '../results/job-to-run.ts';
import type { JobClose } from '../results/job-transition.ts';
import { recordAcceptedExecution } from '../results/task-execution.repository.ts';
import { cancelAccepted, listAbandonedWork } from './cancel-accepted.ts';
import { tell } from './diagnostics.ts';
import { type EarlierRuns, findFinalFailure, listEarlierRuns, NO_ATTEMPTS, NO_EARLIER_RUNS } from './earlier-runs.ts';
import type { ExecutorContext } from './executor-context.ts';
import { giveBack } from './give-back.ts';
import { type InstanceHost, InstanceRun } from './instance-run.ts';
import { isSuspicious } from './is-suspicious.ts';
import { toCompletedClose, toEmptyClose, toInputs } from './job-close.ts';
import {
  ExecutorStopping,
  endsJob,
  findEarlyEnding,
  JobCanceled,
  type JobEnding,
  OVERDUE,
  RunBrokenOff,
  StepStopped,
  toCutOff,
} from './job-ending.ts';
import { toJobEntry } from './record-job.ts';
import { type StepInstance, StepPlan } from './step-plan.ts';
import { confidenceOf, TransitionDraft } from './transition-draft.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * One job from its claim to its terminal state, as long as this executor holds it.
 *
 * The run moves by turns. A turn begins with an answer, adds what follows from it, finds the instances that may start now, and is committed as one
 * transition: "this step is done, those have started". Only then are those called. What was planned on a commit that failed is not done. When the
 * run must end, for whatever reason, it starts nothing more and aborts its calls, and its last turn closes the job or gives it back.
 */
export class JobRun implements InstanceHost {
  readonly jobId: string;
  readonly pipelineVersion: string;
  readonly cacheWish: JobCache;
  readonly #context: ExecutorContext;
  readonly #job: JobToRun;
  readonly #running = new Map<string, InstanceRun>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #confidences: (number | null)[] = [];
  #computeMs = 0;
  /** No answer was such that others must not have it. */
  #isShared = true;
  #fence: number;
  #spec: PublishedSpec | undefined;
  #plan: StepPlan | undefined;
  #earlier: EarlierRuns = NO_EARLIER_RUNS;
  #ending: JobEnding | undefined;
  /** Turns whose commit is under way. */
  #turns = 0;
  /** Turns that have not handed their draft to the journal. */
  #drafts = 0;
  /** What kept a request from being made and is nobody's failure: what has ended is still committed, and then the run is broken off. */
  #fault: { readonly error: unknown } | undefined;
  /** The last write has begun. */
  #closing = false;
  /** The last write was refused once. */
  #isRefused = false;
  #expiry: NodeJS.Timeout | undefined;
  readonly #createdAt = performance.now();

  constructor(context: ExecutorContext, job: JobToRun) {
    this.#context = context;
    this.#job = job;
    this.jobId = job.job_id;
    this.pipelineVersion = job.pipeline_version;
    this.cacheWish = parseJobCache(job.cache);
    this.#fence = job.fence;
  }

  get ending(): JobEnding | undefined {
    return this.#ending;
  }

  /** The fence under which the job is held; that of its last holder until it is claimed. */
  get fence(): number {
    return this.#fence;
  }

  get isHeld(): boolean {
    return this.#fence > this.#job.fence;
  }

  /** Resolves when the job is closed; rejects when it goes on elsewhere or later. */
  async run(): Promise<void> {
    this.#turns++;
    await this.#begin()
      .catch((error: unknown) => this.drop(error))
      .finally(() => this.#turns--);
    this.#endIfIdle();
    await this.#finished.promise.finally(() => clearTimeout(this.#expiry));
  }

  /** Somebody wants the job to end. */
  cancel(): void {
    this.#end({ kind: 'close', status: 'CANCELED' }, new JobCanceled());
  }

  /** Starts nothing more; what runs may end, and then the lease is given back. */
  drain(): void {
    if (this.#ending || this.#closing) return;
    this.#ending = { kind: 'release' };
    // A pause before the next attempt is nothing to wait for.
    for (const run of this.#running.values()) if (run.isWaiting) run.abort(new ExecutorStopping());
    this.#endIfIdle();
  }

  /** As `drain`, without waiting for what runs. */
  release(): void {
    this.drain();
    for (const run of this.#running.values()) run.abort(new ExecutorStopping());
  }

  /** The run is broken off: the lease is lost, or the database is away. Writes nothing more but that it gives the lease back. */
  drop(error: unknown): void {
    if (this.#ending?.kind === 'drop') {
      // Dropped while this turn was under way, which has now failed too: it may have been the last thing to wait for.
      this.#endIfIdle();
      return;
    }
    // What cannot be stored is the job's own failure. Also of its last write: then it ends by one that holds nothing of it.
    if (error instanceof TaskFailedError && !this.#isRefused) {
      this.#isRefused = this.#closing;
      this.#closing = false;
      this.#ending = undefined;
      this.#end({ kind: 'close', status: 'FAILED', failure: toJobFailure(error) }, new StepStopped());
      return;
    }
    this.#ending = { kind: 'drop', error };
    this.#closing = false;
    for (const run of this.#running.values()) run.abort(new RunBrokenOff());
    this.#endIfIdle();
  }

  async completed(
    run: InstanceRun,
    given: { result: JsonObject; confidence: number | null; computeMs: number; draft: TransitionDraft },
  ): Promise<void> {
    const { result, confidence, computeMs, draft } = given;
    this.#running.delete(run.instance.name);
    this.#computeMs += computeMs;
    this.#confidences.push(confidence);
    this.#plan?.complete(run.instance, result);
    await this.#turn(draft);
  }

  mayTake({ step }: StepInstance, result: JsonObject): boolean {
    const spec = this.#spec;
    return !spec || spec.cache.suspicious === 'serve' || !isSuspicious(spec, { step: step.name, result });
  }

  isShared(instance: StepInstance, result: JsonObject): boolean {
    const isShared = this.mayTake(instance, result);
    if (!isShared) this.#isShared = false;
    return isShared;
  }

  async failed(run: InstanceRun, { error, draft }: { error: unknown; draft: TransitionDraft }): Promise<void> {
    this.#running.delete(run.instance.name);
    this.#fail(run, error);
    await this.#turn(draft);
  }

  async stopped(run: InstanceRun, draft: TransitionDraft): Promise<void> {
    this.#running.delete(run.instance.name);
    this.#plan?.abandon(run.instance);
    await this.#turn(draft);
  }

  broke(run: InstanceRun, error: unknown): void {
    this.#running.delete(run.instance.name);
    this.drop(error);
    this.#endIfIdle();
  }

  async note(draft: TransitionDraft): Promise<void> {
    if (!this.#ending && !this.#closing) await this.commit(draft);
  }

  async commit(draft: TransitionDraft): Promise<void> {
    if (this.#ending?.kind === 'drop') throw this.#ending.error;
    const transition = draft.toTransition({ jobId: this.jobId, fence: this.#fence });
    const { entries, flights, close } = draft;
    const { use, cache_key } = this.cacheWish;
    // Others wait for jobs only that asked the cache and found nothing.
    const led = close && use && cache_key !== null ? { jobId: this.jobId, ...draft.shared } : undefined;
    await this.#context.journal.commit(transition, { entries, flights, led });
    if (!draft.claim) return;
    this.#fence++;
    this.#context.onClaimed(this.jobId);
    tell('job.claimed', { ...this.#facts(), pipeline: this.pipelineVersion, fence: this.#fence });
  }

  async accepted(execId: string, work: AcceptedWork): Promise<void> {
    if (this.#ending?.kind === 'drop') throw this.#ending.error;
    await recordAcceptedExecution(this.#context.results, { execId, jobId: this.jobId, fence: this.#fence, ...work });
  }

  async #begin(): Promise<void> {
    const { specs, maxCrashes } = this.#context;
    const job = this.#job;
    tell('job.claiming', this.#facts());
    const claim = new TransitionDraft();
    claim.claim = true;
    claim.events.push({ event: job.started_ms_ago === 0 ? 'STARTED' : 'RESUMED' });
    const runnable = await specs.get(job).catch((error: unknown) => {
      if (!endsJob(error)) throw error;
      this.#ending = { kind: 'close', status: 'FAILED', failure: toJobFailure(error) };
      return undefined;
    });
    const restMs = Math.min(
      job.deadline_in_ms ?? Infinity,
      (runnable?.spec.timeoutMs ?? Infinity) - job.started_ms_ago,
    );
    this.#ending = findEarlyEnding(job, { maxCrashes, restMs }) ?? this.#ending;
    if (runnable && !this.#ending) {
      this.#spec = runnable.spec;
      const given = { inputs: toInputs(job), parameters: job.params };
      this.#plan = new StepPlan(runnable.graph, given, (instance) => this.#findFailure(instance));
    }
    if (Number.isFinite(restMs) && restMs > 0) this.#expireIn(restMs);
    // A new job starts its first steps with its claim. One that ran before is claimed first: then what earlier runs left stands still.
    if (job.fence === 0 && job.forked_from === null && this.#plan) return this.#turn(claim);
    await this.commit(claim);
    const draft = new TransitionDraft();
    this.#earlier = await listEarlierRuns(this.#context.results, { jobId: this.jobId, draft });
    if (this.#ending?.kind === 'close' && runnable)
      await cancelAccepted(this.#context, listAbandonedWork(runnable.spec, this.#earlier));
    await this.#turn(draft);
  }

  /** Commits the draft with all that may start now, and then starts it. */
  async #turn(draft: TransitionDraft): Promise<void> {
    this.#turns++;
    this.#drafts++;
    let isDrafting = true;
    let starting: readonly InstanceRun[] = [];
    try {
      starting = await this.#takeStarting(draft);
      // Another turn may still be drafting what belongs before the end; it will come here after this one.
      const close = this.#drafts === 1 ? this.#findClose() : undefined;
      this.#drafts--;
      isDrafting = false;
      // A job is not claimed and closed at once. A close that is no success ends every attempt that is open, so those known to have ended go before.
      const isApart = close && (draft.claim || (close.status !== 'COMPLETED' && draft.ends.length > 0));
      if (isApart) {
        await this.commit(draft);
        return await this.#turn(new TransitionDraft());
      }
      if (close) return await this.#close(close, draft);
      if (!draft.isEmpty) await this.commit(draft);
      if (this.#fault) throw this.#fault.error;
      for (const run of starting) void run.go();
    } catch (error) {
      // What was to start with this commit does not, and nobody waits for it.
      for (const run of starting) this.#running.delete(run.instance.name);
      throw error;
    } finally {
      this.#turns--;
      if (isDrafting) this.#drafts--;
    }
    this.#endIfIdle();
  }

  async #close(close: JobClose, draft: TransitionDraft): Promise<void> {
    this.#closing = true;
    draft.end(close);
    const { cache, orgId } = this.#context;
    if (cache && close.status === 'COMPLETED' && this.#isShared && this.#spec && this.#plan) {
      const entry = await toJobEntry(cache, {
        ...{ orgId, job: this.#job, spec: this.#spec, plan: this.#plan, close },
        ...{ confidences: this.#confidences, computeMs: this.#computeMs },
      });
      if (entry) draft.share(entry);
    }
    await this.commit(draft);
    const elapsed_ms = this.#job.started_ms_ago + performance.now() - this.#createdAt;
    tell('job.closed', { ...this.#facts(), status: close.status, code: codeOf(close), elapsed_ms });
    this.#finished.resolve();
  }

  /** The instances that may start, each at its place among the running. Attempts that need no look into the cache are in the draft. */
  async #takeStarting(draft: TransitionDraft): Promise<readonly InstanceRun[]> {
    const plan = this.#plan;
    if (!plan) return [];
    const ready: InstanceRun[] = [];
    for (let refused = true; refused; ) {
      const taken = this.#take(plan);
      for (const skipped of plan.takeSkipped()) {
        if (this.#earlier.skipped.has(skipped.step.name)) continue;
        draft.skip(skipped);
        tell('step.skipped', { ...this.#facts(), step: skipped.step.name, reason: skipped.reason });
      }
      const prepared = await Promise.allSettled(taken.map((run) => run.prepare(plan.scope)));
      refused = false;
      for (const [index, run] of taken.entries()) {
        const answer = prepared[index];
        if (answer?.status === 'fulfilled') ready.push(run);
        else if (answer?.reason instanceof StepStopped) {
          this.#running.delete(run.instance.name);
          plan.abandon(run.instance);
        } else if (!endsJob(answer?.reason)) {
          if (!this.#ending) this.#fault ??= { error: answer?.reason };
          this.#running.delete(run.instance.name);
        } else {
          refused = true;
          this.#running.delete(run.instance.name);
          run.draftRefused(draft, answer?.reason);
          this.#fail(run, answer?.reason);
        }
      }
    }
    if (plan.failure) {
      const { error, step } = plan.failure;
      this.#end({ kind: 'close', status: 'FAILED', failure: toJobFailure(error, step) }, new StepStopped());
    }
    if (this.#ending || this.#fault) {
      for (const run of ready) this.#running.delete(run.instance.name);
      return [];
    }
    for (const run of ready) if (!run.asksCache) run.draftAttempt(draft);
    return ready;
  }

  #take(plan: StepPlan): InstanceRun[] {
    const taken: InstanceRun[] = [];
    while (!this.#ending && !this.#fault && !plan.failure && this.#running.size < this.#context.stepConcurrency) {
      const instance = plan.next();
      if (!instance) break;
      const committed = this.#earlier.outputs.get(instance.name);
      const earlier = this.#earlier.attempts.get(instance.name) ?? NO_ATTEMPTS;
      const failure = this.#findFailure(instance);
      if (committed) {
        // Of what another job gave nobody has asked what became of it since: the whole is shown to no other.
        if (this.#job.forked_from !== null) this.#isShared = false;
        else this.isShared(instance, committed);
        this.#confidences.push(confidenceOf(committed));
        plan.complete(instance, committed);
      } else if (failure) plan.fail(instance, failure);
      else {
        const run = new InstanceRun({ context: this.#context, host: this, instance, earlier });
        this.#running.set(instance.name, run);
        taken.push(run);
      }
    }
    return taken;
  }

  /** What ended the instance in an earlier run. */
  #findFailure(instance: StepInstance): TaskFailedError | undefined {
    return findFinalFailure(instance, this.#earlier.attempts.get(instance.name) ?? NO_ATTEMPTS);
  }

  #fail({ instance }: InstanceRun, error: unknown): void {
    const stopStep = this.#plan?.fail(instance, error).stopStep;
    if (!stopStep) return;
    for (const other of this.#running.values())
      if (other.instance.step === instance.step) other.abort(new StepStopped());
  }

  /** How the job ends, once nothing runs; undefined while it goes on, and where this run may not close it. */
  #findClose(): JobClose | undefined {
    const ending = this.#ending;
    if (this.#running.size > 0 || this.#closing) return undefined;
    if (ending?.kind === 'close')
      return toEmptyClose(ending.status, ending.status === 'FAILED' ? ending.failure : null);
    if ((ending && ending.kind !== 'release') || !this.#spec || !this.#plan?.isDone) return undefined;
    try {
      return toCompletedClose({ orgId: this.#context.orgId, spec: this.#spec }, this.#plan.scope);
    } catch (error) {
      if (!endsJob(error)) throw error;
      return toEmptyClose('FAILED', toJobFailure(error));
    }
  }

  #expireIn(ms: number): void {
    const turnMs = Math.min(ms, LONGEST_TIMER_MS);
    this.#expiry = setTimeout(() => {
      if (ms > turnMs) this.#expireIn(ms - turnMs);
      else this.#end({ kind: 'close', status: 'FAILED', failure: OVERDUE }, new StepStopped());
    }, turnMs);
  }

  #end(ending: JobEnding, reason: DOMException): void {
    if (this.#closing || (this.#ending && this.#ending.kind !== 'release')) return;
    this.#ending = ending;
    for (const run of this.#running.values()) run.abort(reason);
    this.#endIfIdle();
  }

  /** The last turn of a run that must end and of which nothing runs. */
  #endIfIdle(): void {
    const ending = this.#ending;
    if (!ending || this.#running.size > 0 || this.#turns > 0 || this.#closing) return;
    if (ending.kind === 'close') void this.#turn(new TransitionDraft()).catch((error: unknown) => this.drop(error));
    else void this.#giveBack(ending.kind === 'drop' ? ending.error : new ExecutorStopping());
  }

  async #giveBack(reason: unknown): Promise<void> {
    this.#closing = true;
    if (this.isHeld && !(reason instanceof LeaseLostError))
      await giveBack(this.#context, { jobId: this.jobId, fence: this.#fence });
    tell('job.interrupted', { ...this.#facts(), reason: toCutOff(reason), err: reason });
    this.#finished.reject(reason);
  }

  #facts() {
    return { org_id: this.#context.orgId, job_id: this.jobId };
  }
}

function codeOf({ error }: JobClose): string | null {
  return typeof error?.code === 'string' ? error.code : null;
}
