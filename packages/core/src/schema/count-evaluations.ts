import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { JsonSchema } from './json-schema.ts';
import { resolveRef } from './resolve-ref.ts';
import { listOf } from './subschemas-of.ts';

const ONE = [
  'not',
  'if',
  'then',
  'else',
  'items',
  'contains',
  'additionalProperties',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LISTS = ['allOf', 'anyOf', 'oneOf'];
const MAPS = ['patternProperties', 'dependentSchemas', 'dependencies'];

/**
 * How many schemas a validator evaluates on one way into a value at most: those that meet the same place add up, of named properties, which are
 * different places, the costliest counts. A schema within itself counts once.
 */
export function countEvaluations(root: JsonSchema): number {
  const anchors = listAnchors(root);
  const counts = new Map<JsonObject, number>();
  const follow = (ref: JsonValue | undefined): JsonValue | undefined =>
    typeof ref === 'string' ? (resolveRef(root, ref) ?? anchors.get(ref)) : undefined;
  const sum = (schemas: readonly (JsonValue | undefined)[]): number =>
    schemas.reduce<number>((total, schema) => total + count(schema), 0);
  const most = (schemas: readonly (JsonValue | undefined)[]): number =>
    schemas.reduce<number>((total, schema) => Math.max(total, count(schema)), 0);
  function count(schema: JsonValue | undefined): number {
    if (!isJsonObject(schema)) return 0;
    const known = counts.get(schema);
    if (known !== undefined) return known;
    counts.set(schema, 1);
    const total =
      1 +
      count(follow(schema.$ref)) +
      count(follow(schema.$dynamicRef)) +
      sum(ONE.map((key) => schema[key])) +
      sum(LISTS.flatMap((key) => listOf(schema[key]))) +
      sum(MAPS.flatMap((key) => valuesOf(schema[key]))) +
      most(valuesOf(schema.properties)) +
      most(listOf(schema.prefixItems));
    counts.set(schema, total);
    return total;
  }
  return count(root as JsonValue);
}

const valuesOf = (map: JsonValue | undefined): readonly (JsonValue | undefined)[] =>
  isJsonObject(map) ? Object.values(map) : [];

function listAnchors(root: JsonSchema): ReadonlyMap<string, JsonObject> {
  const anchors = new Map<string, JsonObject>();
  const stack: (JsonValue | undefined)[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (isJsonObject(value)) {
      for (const anchor of [value.$anchor, value.$dynamicAnchor])
        if (typeof anchor === 'string') anchors.set(`#${anchor}`, value);
      stack.push(...Object.values(value));
    } else if (Array.isArray(value)) stack.push(...value);
  }
  return anchors;
}
