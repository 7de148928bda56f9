import { findItemSchema, findSubschema, type Subschema } from '../../schema/find-subschema.ts';
import type { JsonSchema } from '../../schema/json-schema.ts';
import { withDefaultsFilled } from '../../schema/with-defaults.ts';
import type { PipelineStep } from '../pipeline-spec.ts';
import { type FlowProof, remember, type Source } from './data-flow.ts';
import { isKnownToBe } from './guards.ts';

/**
 * What comes from a place, as the given step sees it; `undefined`: nothing can be there, `unknown`: no schema tells. It is always there only where the
 * step it comes from always has an output, or this step runs only where it is there.
 */
export function findSource(
  proof: FlowProof,
  from: string,
  step?: PipelineStep | undefined,
): Source | 'unknown' | undefined {
  const found = findUnguarded(proof, from, step);
  if (typeof found !== 'object' || found.always || !isKnownToBe(step?.when, from)) return found;
  return { ...found, always: true };
}

function findUnguarded(proof: FlowProof, from: string, step: PipelineStep | undefined): Source | 'unknown' | undefined {
  const [, root, key = '', ...rest] = from.split('/');
  const { spec } = proof;
  if (root === 'item') return findItem(proof, from.slice('/item'.length), step);
  if (root === 'inputs') return place(proof, spec.inputs, [key, ...rest]);
  if (root === 'parameters') return place(proof, withDefaultsFilled(spec.parameters), [key, ...rest]);
  const task = proof.tasks.get(key);
  const producer = proof.steps.get(key);
  if (!task || !producer) return undefined;
  const [output, ...path] = rest;
  if (output === undefined) return 'unknown';
  if (output !== 'output') return undefined;
  const found = producer.forEach
    ? placeInOutputs(proof, task.responseSchema, path)
    : place(proof, task.responseSchema, path);
  const isThere = producer.when === undefined && producer.onFailure !== 'continue';
  if (typeof found !== 'object' || isThere || isKnownToBe(step?.when, `/steps/${key}/output`)) return found;
  return { ...found, always: false };
}

function place(proof: FlowProof, root: JsonSchema, path: readonly string[]): Source | 'unknown' | undefined {
  const pointer = path.map((token) => `/${token}`).join('');
  const places = remember(proof.places, root, () => new Map<string, Subschema | 'unknown' | undefined>());
  const found = remember(places, pointer, () => findSubschema(root, pointer));
  return typeof found === 'object' ? { ...found, root } : found;
}

/** A step with forEach gives the list of its items' outputs. */
function placeInOutputs(
  proof: FlowProof,
  response: JsonSchema,
  path: readonly string[],
): Source | 'unknown' | undefined {
  const [index, ...inner] = path;
  if (index === undefined) return { schema: listOfOutputs(response), root: response, always: true, exact: true };
  if (!/^(0|[1-9]\d*)$/.test(index)) return undefined;
  const found = place(proof, response, inner);
  return typeof found === 'object' ? { ...found, always: false } : found;
}

const lists = new WeakMap<object, Subschema['schema']>();

function listOfOutputs(items: JsonSchema): Subschema['schema'] {
  const known = typeof items === 'object' ? lists.get(items) : undefined;
  const list = known ?? { type: 'array', items };
  if (typeof items === 'object') lists.set(items, list);
  return list;
}

function findItem(proof: FlowProof, pointer: string, step: PipelineStep | undefined): Source | 'unknown' | undefined {
  if (!step?.forEach) return undefined;
  const list = findSource(proof, step.forEach.items.from, step);
  if (typeof list !== 'object') return list;
  const { root, schema, exact } = list;
  const places = remember(proof.places, schema, () => new Map<string, Subschema | 'unknown' | undefined>());
  const item = remember(places, '*', () => findItemSchema(root, schema));
  if (typeof item !== 'object') return item;
  const found =
    pointer === '' ? item : remember(places, `*${pointer}`, () => findSubschema(root, pointer, item.schema));
  return typeof found === 'object' ? { ...found, exact: found.exact && item.exact && exact, root } : found;
}
