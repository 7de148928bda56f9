import { MadError } from '../errors.ts';
import { type JsonObject, type JsonValue, sortedJson } from '../json.ts';
import { type BindingScope, findBound } from '../pipeline/bindings.ts';
import { isMet, pointersOf } from '../pipeline/condition.ts';
import { expandItems, type StepItem } from '../pipeline/for-each.ts';
import { instanceName } from '../pipeline/instance-name.ts';
import type { PublishedSpec, PublishedStep } from '../pipeline/pipeline-spec.ts';
import { readsItem } from '../pipeline/pointer.ts';
import { dependenciesOf } from '../pipeline/step-graph.ts';

/** A pipeline and what it is given. */
export interface GivenPipeline {
  readonly spec: PublishedSpec;
  readonly inputs: JsonObject;
  readonly parameters: JsonObject;
}

/** A job that is over. */
export interface EndedPipeline extends GivenPipeline {
  /** Step instance → its committed output. */
  readonly outputs: ReadonlyMap<string, JsonObject>;
}

/**
 * The step instances of an ended job whose results are also those of another: the step computes the same, from equal values, behind steps that have all
 * been taken over. Of a fan-out those items are taken whose value is equal; what follows is taken only where all of them are. A step whose condition
 * does not hold has no result and stands in nobody's way.
 */
export function listReusable(ended: EndedPipeline, wanted: GivenPipeline): readonly string[] {
  const endedSteps = new Map(ended.spec.tasks.map((step) => [step.name, step]));
  // Outputs of what is taken over are the same in both jobs.
  const steps: { [step: string]: { readonly output: JsonValue } } = {};
  const before: BindingScope = { inputs: ended.inputs, parameters: ended.parameters, steps };
  const after: BindingScope = { inputs: wanted.inputs, parameters: wanted.parameters, steps };
  const settled = new Set<string>();
  const reusable: string[] = [];
  for (const step of wanted.spec.tasks) {
    const twin = endedSteps.get(step.name);
    const isUnaffected =
      twin !== undefined &&
      definitionOf(twin) === definitionOf(step) &&
      dependenciesOf(step).every((name) => settled.has(name)) &&
      pointersRead(step).every((from) => isSame(findBound(before, { from }), findBound(after, { from })));
    if (!isUnaffected) continue;
    const isSkipped = step.when !== undefined && !isMet(step.when, after);
    const items = isSkipped ? [] : itemsOf(step, { before, after });
    const taken = items.filter(({ name, isEqual }) => isEqual && ended.outputs.has(name)).map(({ name }) => name);
    reusable.push(...taken);
    if (taken.length < items.length) continue;
    settled.add(step.name);
    const outputs = taken.map((name) => ended.outputs.get(name) ?? {});
    const output: JsonValue | undefined = step.forEach ? outputs : outputs[0];
    if (!isSkipped && output !== undefined) steps[step.name] = { output };
  }
  return reusable;
}

/** What decides a step's result. How often, how long, how many at once and what a failure means to others do not. */
function definitionOf({ identity, inputs, parameters, when, forEach }: PublishedStep): string {
  const items = forEach && { from: forEach.items.from, key: forEach.key };
  return sortedJson({ identity: { ...identity }, inputs, parameters, when: (when ?? null) as JsonValue, items });
}

function pointersRead({ inputs, when }: PublishedStep): string[] {
  const bound = Object.values(inputs).flatMap(({ from }) => (readsItem(from) ? [] : [from]));
  return when ? [...bound, ...pointersOf(when)] : bound;
}

interface Instance {
  readonly name: string;
  /** False for an item that the ended job did not have, or had with another value. */
  readonly isEqual: boolean;
}

const UNKNOWN: Instance = { name: '', isEqual: false };

function itemsOf(step: PublishedStep, { before, after }: { before: BindingScope; after: BindingScope }): Instance[] {
  const { name, forEach } = step;
  if (!forEach) return [{ name, isEqual: true }];
  const wanted = expand(after, forEach);
  // A list that cannot be expanded fails the new job at this step; nothing is taken over.
  if (!wanted) return [UNKNOWN];
  const had = new Map((expand(before, forEach) ?? []).map(({ key, value }) => [key, value]));
  return wanted.map(({ key, value }) => ({
    name: instanceName(name, key),
    isEqual: had.has(key) && isSame(had.get(key), value),
  }));
}

function expand(scope: BindingScope, forEach: NonNullable<PublishedStep['forEach']>): readonly StepItem[] | undefined {
  try {
    return expandItems(scope, forEach);
  } catch (error) {
    if (error instanceof MadError) return undefined;
    throw error;
  }
}

const isSame = (a: JsonValue | undefined, b: JsonValue | undefined): boolean => sortedJson(a) === sortedJson(b);
