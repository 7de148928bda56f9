import type { JsonObject, JsonValue } from '../json.ts';
import { type Doubt, doubt, type Prover } from './doubt.ts';
import { isUnreadOf } from './holds.ts';
import { listSamples, sampleArray } from './sample-values.ts';
import { says } from './says.ts';
import { greatest, itemPlace, kindsOfCase, least, type SchemaCase } from './schema-cases.ts';
import { itemOf, listOf, toSchema } from './subschemas-of.ts';

export function proveArray(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  if (!kindsOfCase(one).has('array')) return [];
  return [
    ...proveLength(one, target, prover),
    ...proveItems(one, target, prover),
    ...proveContains(one, target, prover),
    ...(isUnreadOf(target, 'array') && !saysAll(one, target, ['prefixItems', 'items', 'contains', 'unevaluatedItems'])
      ? [doubt(one, { target, message: 'unevaluatedItems cannot be held against a schema' })]
      : []),
  ];
}

const saysAll = (one: SchemaCase, target: JsonObject, keywords: readonly string[]): boolean =>
  one.parts.some((part) => keywords.every((keyword) => says({ ...one, parts: [part] }, keyword, target)));

function proveLength(one: SchemaCase, target: JsonObject, { budget }: Prover): readonly Doubt[] {
  const { minItems, maxItems, uniqueItems } = target;
  const [shortest, longest] = [greatest(one, 'minItems', 0), least(one, 'maxItems')];
  const arrayOf = (length: number) => (): readonly JsonValue[] => {
    const array = sampleArray(one, length, { budget });
    return array ? [array] : [];
  };
  const doubts: Doubt[] = [];
  if (typeof minItems === 'number' && shortest < minItems) {
    const message = `a list of ${shortest} items comes, at least ${minItems} are taken`;
    doubts.push(doubt(one, { target, message, witnesses: arrayOf(shortest) }));
  }
  if (typeof maxItems === 'number' && longest > maxItems) {
    const comes = Number.isFinite(longest) ? `a list of ${longest} items` : 'a list of any length';
    const message = `${comes} comes, at most ${maxItems} are taken`;
    doubts.push(doubt(one, { target, message, witnesses: arrayOf(Math.max(maxItems + 1, shortest)) }));
  }
  if (uniqueItems === true && longest > 1 && !says(one, 'uniqueItems', target)) {
    const message = 'a list with equal items comes, only distinct ones are taken';
    doubts.push(doubt(one, { target, message, witnesses: arrayOf(Math.max(2, shortest)) }));
  }
  return doubts;
}

/** More positions of a `prefixItems` than this are not told apart. */
const MAX_POSITIONS = 100;

function proveItems(one: SchemaCase, target: JsonObject, prover: Prover): readonly Doubt[] {
  const positions = Math.max(...[target, ...one.parts].map(({ prefixItems }) => listOf(prefixItems).length));
  if (positions > MAX_POSITIONS)
    return [doubt(one, { target, message: `prefixItems has more than ${MAX_POSITIONS} items` })];
  const longest = least(one, 'maxItems');
  const doubts: Doubt[] = [];
  // One past the last position stands for all that follow.
  for (let index = 0; index <= positions && index < longest; index++) {
    const wanted = itemOf(target, index);
    const place = itemPlace(one, index);
    if (place.includes(false)) break;
    if (wanted === undefined) continue;
    const token = index < positions ? String(index) : '*';
    doubts.push(...prover.prove(place, wanted, { around: one, key: index, token }));
  }
  return doubts;
}

function proveContains(one: SchemaCase, target: JsonObject, { budget }: Prover): readonly Doubt[] {
  const { contains, minContains = 1, maxContains } = target;
  if (contains === undefined || (minContains === 0 && maxContains === undefined) || toSchema(contains) === undefined)
    return [];
  if (saysAll(one, target, ['contains', 'minContains', 'maxContains'])) return [];
  const message = 'a list comes that is not sure to contain what it must';
  return [doubt(one, { target, message, witnesses: () => listSamples(one, { budget }) })];
}
