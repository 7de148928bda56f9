import type { JsonObject, JsonValue } from '../json.ts';
import type { BindingScope } from '../pipeline/bindings.ts';
import { isMet } from '../pipeline/condition.ts';
import { expandItems } from '../pipeline/for-each.ts';
import { instanceName } from '../pipeline/instance-name.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';
import type { StepGraph } from '../pipeline/step-graph.ts';

/** What is run as one: a step, or one item of a step that runs for each. */
export interface StepInstance {
  readonly step: PublishedStep;
  /** `dock` or `dock[<item key>]`. */
  readonly name: string;
  readonly item?: { readonly index: number; readonly value: JsonValue } | undefined;
}

/** Why a job cannot go on. */
export interface StepFailure {
  readonly step: string;
  readonly error: unknown;
}

/** A step that is settled without having run. */
export interface SkippedStep {
  readonly step: PublishedStep;
  readonly reason: string;
}

interface StepState {
  readonly step: PublishedStep;
  /** Dependencies that are not settled. */
  waits: number;
  settled: boolean;
  items?: Items;
}

interface Items {
  readonly waiting: StepInstance[];
  readonly outputs: (JsonObject | undefined)[];
  running: number;
  failure?: StepFailure;
}

/**
 * The steps of one job: which may start now, and what follows from each that ended. Knows no time and no database, so that a job that goes on after
 * a crash is replayed into the same state from its committed outputs. A step is looked at once when its last dependency is settled, and an item once,
 * so a job costs what its steps and edges cost.
 */
export class StepPlan {
  readonly #states = new Map<string, StepState>();
  readonly #graph: StepGraph<PublishedStep>;
  readonly #ready: StepState[] = [];
  readonly #spread: StepState[] = [];
  readonly #skipped: SkippedStep[] = [];
  readonly #steps: Record<string, { output: JsonValue }> = Object.create(null);
  #open: number;
  /** What bindings read from; grows as steps are settled. */
  readonly scope: BindingScope;
  /** Set when a step has failed whose failure is the job's. */
  failure: StepFailure | undefined;
  #passedOver = false;
  readonly #findFailure: (instance: StepInstance) => unknown;

  /** `findFailure`: the failure that ended an instance in an earlier run of the job; undefined where none did. */
  constructor(
    graph: StepGraph<PublishedStep>,
    given: { readonly inputs: JsonObject; readonly parameters: JsonObject },
    findFailure: (instance: StepInstance) => unknown = () => undefined,
  ) {
    this.#graph = graph;
    this.#findFailure = findFailure;
    this.scope = { ...given, steps: this.#steps };
    this.#open = graph.ordered.length;
    for (const step of graph.ordered) {
      const state: StepState = { step, waits: graph.dependencyCount(step.name), settled: false };
      this.#states.set(step.name, state);
      if (state.waits === 0) this.#ready.push(state);
    }
  }

  /** True when every step is settled: completed, skipped, or failed where that does not matter. */
  get isDone(): boolean {
    return this.#open === 0;
  }

  /** False once a failure was passed over, of an item or of a step. */
  get isWhole(): boolean {
    return !this.#passedOver;
  }

  /** The next instance that may start now; undefined when none may. */
  next(): StepInstance | undefined {
    for (let state = this.#ready.shift(); state; state = this.#ready.shift()) {
      // Skipped since it became ready.
      const instance = state.settled ? undefined : this.#begin(state);
      if (instance) return instance;
    }
    for (let turn = this.#spread.length; turn > 0; turn--) {
      const state = this.#spread.shift();
      const instance = state && this.#nextItem(state);
      if (instance) return instance;
    }
    return undefined;
  }

  /** Steps that were skipped since the last call. */
  takeSkipped(): readonly SkippedStep[] {
    return this.#skipped.splice(0);
  }

  /** An instance has its committed output. */
  complete({ step, item }: StepInstance, output: JsonObject): void {
    const state = this.#stateOf(step.name);
    const { items } = state;
    if (item && items) {
      items.outputs[item.index] = output;
      items.running--;
      this.#closeItems(state);
    } else this.#settle(state, output);
  }

  /** An instance's last attempt has failed. Returns whether other instances of its step should be stopped. */
  fail(instance: StepInstance, error: unknown): { readonly stopStep: boolean } {
    const state = this.#stateOf(instance.step.name);
    const failure = { step: instance.name, error };
    const { items } = state;
    if (!instance.item || !items) {
      this.#settleFailed(state, failure);
      return { stopStep: false };
    }
    items.running--;
    const stopStep = state.step.forEach?.onItemFailure !== 'skip';
    if (!stopStep) this.#passedOver = true;
    else {
      items.failure ??= failure;
      items.waiting.length = 0;
    }
    this.#closeItems(state);
    return { stopStep };
  }

  /** An instance was stopped because its step had failed. */
  abandon({ step }: StepInstance): void {
    const state = this.#stateOf(step.name);
    if (!state.items) return;
    state.items.running--;
    this.#closeItems(state);
  }

  #begin(state: StepState): StepInstance | undefined {
    const { step } = state;
    if (step.when !== undefined && !isMet(step.when, this.scope)) {
      this.#skip(state, 'its condition is not met');
      return undefined;
    }
    if (!step.forEach) return { step, name: step.name };
    try {
      const expanded = expandItems(this.scope, step.forEach, step.name);
      const waiting = expanded.map(({ key, value }, index) => ({
        step,
        name: instanceName(step.name, key),
        item: { index, value },
      }));
      if (this.#hasFailed(state, waiting)) return undefined;
      state.items = { waiting: waiting.reverse(), outputs: new Array(expanded.length), running: 0 };
    } catch (error) {
      this.#settleFailed(state, { step: step.name, error });
      return undefined;
    }
    this.#closeItems(state);
    return this.#nextItem(state);
  }

  /** True where one item has failed the step in an earlier run: the others were stopped then, and what depends on the step may have run since. */
  #hasFailed(state: StepState, items: readonly StepInstance[]): boolean {
    if (state.step.forEach?.onItemFailure === 'skip') return false;
    for (const item of items) {
      const error = this.#findFailure(item);
      if (error === undefined) continue;
      this.#settleFailed(state, { step: item.name, error });
      return true;
    }
    return false;
  }

  /** Steps with items take turns, each within its own limit. */
  #nextItem(state: StepState): StepInstance | undefined {
    const { items, step } = state;
    if (!items || items.waiting.length === 0) return undefined;
    this.#spread.push(state);
    if (items.running >= (step.forEach?.concurrency ?? Number.POSITIVE_INFINITY)) return undefined;
    const instance = items.waiting.pop();
    items.running++;
    return instance;
  }

  #closeItems(state: StepState): void {
    const { items } = state;
    if (!items || state.settled || items.running > 0 || items.waiting.length > 0) return;
    if (items.failure) this.#settleFailed(state, items.failure);
    else
      this.#settle(
        state,
        items.outputs.filter((output) => output !== undefined),
      );
  }

  #settleFailed(state: StepState, failure: StepFailure): void {
    const { onFailure = 'fail', name } = state.step;
    if (onFailure === 'fail') {
      this.failure ??= failure;
      return;
    }
    this.#passedOver = true;
    if (onFailure === 'skip') this.#skipDependents(name);
    this.#settle(state, undefined);
  }

  #skipDependents(failed: string): void {
    const names = [...this.#graph.dependentsOf(failed)];
    for (let next = 0; next < names.length; next++) {
      const state = this.#stateOf(names[next] ?? '');
      if (state.settled) continue;
      this.#skip(state, `step ${failed} failed, which it depends on`);
      for (const name of this.#graph.dependentsOf(state.step.name)) names.push(name);
    }
  }

  #skip(state: StepState, reason: string): void {
    this.#skipped.push({ step: state.step, reason });
    this.#settle(state, undefined);
  }

  #settle(state: StepState, output: JsonValue | undefined): void {
    if (state.settled) return;
    state.settled = true;
    this.#open--;
    if (output !== undefined) this.#steps[state.step.name] = { output };
    for (const name of this.#graph.dependentsOf(state.step.name)) {
      const dependent = this.#stateOf(name);
      dependent.waits--;
      if (dependent.waits === 0 && !dependent.settled) this.#ready.push(dependent);
    }
  }

  #stateOf(name: string): StepState {
    const state = this.#states.get(name);
    if (!state) throw new TypeError(`no step is named ${name}`);
    return state;
  }
}
