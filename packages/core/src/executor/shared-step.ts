import type { JobCache } from '../job/job-cache.ts';
import type { JsonObject } from '../json.ts';
import type { CacheDecision, CachedResult, CacheHit } from '../ports/result-cache.ts';
import type { HeldCacheFlight, SeenCacheFlight } from '../results/cache-flight.repository.ts';
import { tell } from './diagnostics.ts';
import type { ExecutorContext } from './executor-context.ts';
import type { FlightEnd } from './flights.ts';
import { TransitionDraft } from './transition-draft.ts';
import { within } from './within.ts';

export interface SharedStepOptions {
  readonly context: ExecutorContext;
  readonly jobId: string;
  /** Step instance. */
  readonly name: string;
  readonly cacheKey: string;
  readonly cacheWish: JobCache;
  /** Others may be given what this computes, and this what others compute. */
  readonly isShareable: boolean;
  /** False: an answer of an earlier run is computed again. */
  readonly mayTake: (result: JsonObject) => boolean;
  readonly note: (draft: TransitionDraft) => Promise<void>;
}

/** A hit of the cache for a step. */
export type ServedStep = CacheHit & { readonly result: CachedResult };

/** How long the cache may be asked before the run is broken off. */
const PATIENCE_MS = 60_000;

/** What a step instance has in common with those that ask the same: a result that is there, or the flight of the one that computes it. */
export class SharedStep {
  readonly #given: SharedStepOptions;
  #decision: CacheDecision | undefined;
  #flight: HeldCacheFlight | undefined;

  constructor(given: SharedStepOptions) {
    this.#given = given;
  }

  /** What the cache said last; undefined before it was asked. */
  get decision(): CacheDecision | undefined {
    return this.#decision;
  }

  /** What others wait for. */
  get flight(): HeldCacheFlight | undefined {
    return this.#flight;
  }

  /**
   * Asks the cache; on a miss takes the flight, or waits for who has it and asks again. Undefined when this instance is to compute. One whose work
   * was taken over by a service in an earlier run waits for nobody.
   */
  async findServed({
    signal,
    isUnderWay,
  }: {
    readonly signal: AbortSignal;
    readonly isUnderWay: boolean;
  }): Promise<ServedStep | undefined> {
    let isAlone = isUnderWay || !this.#given.isShareable;
    for (;;) {
      const found = await this.#find(signal);
      if (found || isAlone) return found;
      if (await this.#takeFlight()) {
        // Its last holder may have recorded a result after the cache was asked.
        const recorded = await this.#find(signal);
        if (recorded) await this.leave();
        return recorded;
      }
      isAlone = (await this.#wait(signal)) === 'unshared';
    }
  }

  /** Tells those who wait. */
  progress(fraction: number): void {
    if (this.#flight) void this.#given.context.flights.progress(this.#flight, fraction);
  }

  /** It is not computed here: another may. Never rejects. */
  async leave(): Promise<void> {
    const flight = this.#take();
    if (flight) await this.#given.context.flights.leave(flight);
  }

  /** Its outcome is committed. Not recorded: the others compute for themselves. Never rejects. */
  async end({ isRecorded }: { readonly isRecorded: boolean }): Promise<void> {
    const { flights } = this.#given.context;
    const flight = this.#take();
    if (flight && isRecorded) flights.ended(flight);
    else if (flight) await flights.endUnshared(flight);
  }

  #take(): HeldCacheFlight | undefined {
    const flight = this.#flight;
    this.#flight = undefined;
    return flight;
  }

  async #find(signal: AbortSignal): Promise<ServedStep | undefined> {
    const { context, cacheKey, cacheWish, mayTake } = this.#given;
    const { cache, results, orgId } = context;
    if (!cache) return undefined;
    const { min_confidence, accept_stochastic: acceptStochastic } = cacheWish;
    const lookup = { orgId, cacheKey, minConfidence: min_confidence ?? undefined, acceptStochastic };
    const decision = await within(cache.find(results, lookup), { signal, ms: PATIENCE_MS });
    this.#decision = decision;
    if (decision.outcome === 'miss' || !decision.result) return undefined;
    if (mayTake(decision.result.resultData)) return { ...decision, result: decision.result };
    this.#decision = { outcome: 'miss', reason: 'suspicious' };
    return undefined;
  }

  async #takeFlight(): Promise<boolean> {
    const { context, cacheKey, jobId, name } = this.#given;
    this.#flight = await context.flights.claim({ cacheKey, jobId, taskName: name });
    return this.#flight !== undefined;
  }

  #wait(signal: AbortSignal): Promise<FlightEnd> {
    const { context, cacheKey, jobId, name, note } = this.#given;
    let leader: string | undefined;
    const onSeen = ({ job_id, progress }: SeenCacheFlight): void => {
      const draft = new TransitionDraft();
      if (job_id !== null && job_id !== leader) {
        leader = job_id;
        draft.tell('TASK_JOINED', { name, cache_key: cacheKey, leader_job_id: job_id });
        const step = { org_id: context.orgId, job_id: jobId, step: name };
        tell('step.joined', { ...step, cache_key: cacheKey, leader_job_id: job_id });
      }
      if (progress) draft.tell('TASK_PROGRESS', { name, progress });
      // Nobody waits for it; what a lost lease makes of it the run learns with its next commit.
      if (!draft.isEmpty) note(draft).catch(() => {});
    };
    return context.flights.wait(cacheKey, { signal, onSeen });
  }
}
