import type { Condition, JsonObject, JsonValue, PipelineSpecInput } from '@mad/core';

type Step = PipelineSpecInput['tasks'][number];

/** What comes of one step instance: its output, or the code of the failure after its last attempt. */
export type InstanceOutcome = { readonly output: JsonObject } | { readonly failure: string };

export interface PredictedStep {
  readonly step: Step;
  readonly dependencies: readonly string[];
  /** `blocked`: a step that it waits for has failed the job. */
  readonly state: 'completed' | 'failed' | 'skipped' | 'blocked';
  /** By the instance's name, in the order of the items. */
  readonly instances: ReadonlyMap<string, InstanceOutcome>;
}

/** What a job must come to when nothing from outside ends it. */
export interface Prediction {
  readonly status: 'COMPLETED' | 'FAILED';
  readonly steps: ReadonlyMap<string, PredictedStep>;
  /** Step or instance → code, of every failure that may be the job's. */
  readonly fatal: ReadonlyMap<string, string>;
}

export interface Interpret {
  readonly spec: PipelineSpecInput;
  readonly parameters: JsonObject;
  readonly outcomeOf: (instance: {
    readonly step: Step;
    readonly name: string;
    readonly request: JsonObject;
  }) => InstanceOutcome;
}

const NOT_VALID = 'MAD_CORE_VALIDATION_FAILED';

/** The meaning of a pipeline, told as plainly as can be: no time, no concurrency, no storage, and nothing of the executor's own code. */
export function interpret({ spec, parameters, outcomeOf }: Interpret): Prediction {
  const steps = new Map<string, PredictedStep>();
  const outputs: Record<string, { output: JsonValue }> = {};
  const fatal = new Map<string, string>();
  const cut = new Set<string>();
  const scope = { parameters, steps: outputs, inputs: {} };
  const waiting = new Map(spec.tasks.map((step) => [step.name, step]));

  for (let moved = true; moved; ) {
    moved = false;
    for (const step of waiting.values()) {
      const dependencies = dependenciesOf(step);
      const isCut = dependencies.some((name) => cut.has(name));
      if (!isCut && !dependencies.every((name) => steps.has(name) && !hasFailedJob(name))) continue;
      moved = true;
      waiting.delete(step.name);
      if (isCut) cut.add(step.name);
      if (isCut || (step.when && !holds(step.when, scope))) {
        steps.set(step.name, { step, dependencies, state: 'skipped', instances: new Map() });
        continue;
      }
      const { output, failures, instances } = runStep(step);
      steps.set(step.name, { step, dependencies, state: failures ? 'failed' : 'completed', instances });
      if (output !== undefined) outputs[step.name] = { output };
      const { onFailure = 'fail' } = step;
      if (failures && onFailure === 'fail') for (const [name, code] of failures) fatal.set(name, code);
      if (failures && onFailure === 'skip') cut.add(step.name);
    }
  }
  for (const step of waiting.values())
    steps.set(step.name, { step, dependencies: dependenciesOf(step), state: 'blocked', instances: new Map() });
  return { status: fatal.size > 0 ? 'FAILED' : 'COMPLETED', steps, fatal };

  function hasFailedJob(name: string): boolean {
    const known = steps.get(name);
    return known?.state === 'failed' && (known.step.onFailure ?? 'fail') === 'fail';
  }

  function runStep(step: Step) {
    const instances = new Map<string, InstanceOutcome>();
    if (!step.forEach) {
      const outcome = outcomeOf({ step, name: step.name, request: bind(step, scope) });
      instances.set(step.name, outcome);
      if ('failure' in outcome) return { instances, failures: new Map([[step.name, outcome.failure]]) };
      return { instances, output: outcome.output };
    }
    const items = find(scope, step.forEach.items.from);
    const keys = Array.isArray(items) ? items.map((item, index) => keyOf(step, item, index)) : undefined;
    if (!Array.isArray(items) || !keys || new Set(keys).size < keys.length || keys.includes(''))
      return { instances, failures: new Map([[step.name, NOT_VALID]]) };
    const failures = new Map<string, string>();
    const done: JsonValue[] = [];
    for (const [index, item] of items.entries()) {
      const name = `${step.name}[${keys[index]}]`;
      const outcome = outcomeOf({ step, name, request: bind(step, { ...scope, item }) });
      instances.set(name, outcome);
      if ('failure' in outcome) failures.set(name, outcome.failure);
      else done.push(outcome.output);
    }
    const isFailed = failures.size > 0 && step.forEach.onItemFailure !== 'skip';
    return isFailed ? { instances, failures } : { instances, output: done };
  }
}

function keyOf(step: Step, item: JsonValue | undefined, index: number): string {
  if (step.forEach?.key === undefined) return String(index);
  const key = find(item, step.forEach.key);
  return typeof key === 'string' ? key : '';
}

/** Every step whose output the step reads, or after which it is placed. */
function dependenciesOf({ dependsOn = [], inputs = {}, when, forEach }: Step): string[] {
  const pointers = [
    ...Object.values(inputs).map(({ from }) => from),
    ...(when ? pointersOf(when as Condition) : []),
    ...(forEach ? [forEach.items.from] : []),
  ];
  const read = pointers.flatMap((pointer) => /^\/steps\/([^/]+)/.exec(pointer)?.[1] ?? []);
  return [...new Set([...dependsOn, ...read])];
}

function pointersOf(condition: Condition): string[] {
  if ('all' in condition) return condition.all.flatMap(pointersOf);
  if ('any' in condition) return condition.any.flatMap(pointersOf);
  return 'not' in condition ? pointersOf(condition.not) : [condition.from];
}

function holds(condition: Condition, scope: unknown): boolean {
  if ('all' in condition) return condition.all.every((inner) => holds(inner, scope));
  if ('any' in condition) return condition.any.some((inner) => holds(inner, scope));
  if ('not' in condition) return !holds(condition.not, scope);
  const value = find(scope, condition.from);
  if ('exists' in condition) return condition.exists === (value !== undefined);
  if ('equals' in condition) return value === condition.equals;
  if ('in' in condition) return condition.in.includes(value as JsonValue);
  if (typeof value !== 'number') return false;
  return 'above' in condition ? value > condition.above : value < condition.below;
}

function bind({ parameters = {}, inputs = {} }: Step, scope: unknown): JsonObject {
  const bound = Object.entries(inputs).map(([property, { from }]) => [property, find(scope, from)]);
  return Object.fromEntries([...Object.entries(parameters), ...bound.filter(([, value]) => value !== undefined)]);
}

function find(value: unknown, pointer: string): JsonValue | undefined {
  let found = value;
  for (const part of pointer.split('/').slice(1))
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, part) ? Reflect.get(found, part) : undefined;
  return found as JsonValue | undefined;
}
