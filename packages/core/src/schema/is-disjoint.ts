import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { type Budget, spend } from './budget.ts';
import { holds } from './holds.ts';
import type { JsonSchema } from './json-schema.ts';
import { areOnly, commonKinds, kindsOf } from './kinds.ts';
import { resolveRef } from './resolve-ref.ts';
import {
  kindsOfCase,
  listCases,
  listValues,
  numberRange,
  propertyPlace,
  requiredOf,
  type SchemaCase,
} from './schema-cases.ts';
import { listOf, propertyOf, schemasOf } from './subschemas-of.ts';

interface Bounds {
  readonly targetRoot: JsonSchema;
  readonly budget: Budget;
  /** @default 0 */
  readonly depth?: number | undefined;
}

const MAX_DEPTH = 12;

/** True where it is sure that no value of the case is one of the target; false says nothing. */
export function isDisjoint(one: SchemaCase, target: JsonSchema, bounds: Bounds): boolean {
  const { targetRoot, budget, depth = 0 } = bounds;
  if (typeof target === 'boolean') return !target;
  if (depth > MAX_DEPTH || !spend(budget)) return false;
  const deeper = { targetRoot, budget, depth: depth + 1 };
  const isApart = (other: JsonSchema): boolean => isDisjoint(one, other, deeper);
  const shared = commonKinds(kindsOfCase(one), kindsOf(target));
  if (shared.size === 0) return true;
  const values = listValues(one, budget);
  if (values?.every((value) => holds(target, value, { root: targetRoot, budget }) === false)) return true;
  if (listedOf(target)?.every((value) => isRefused(one, value, budget))) return true;
  const referred = resolveRef(targetRoot, target.$ref);
  if (referred !== undefined && isApart(referred)) return true;
  if (schemasOf(target.allOf).some(isApart)) return true;
  for (const branches of [target.anyOf, target.oneOf])
    if (Array.isArray(branches) && schemasOf(branches).every(isApart)) return true;
  if (areOnly(shared, 'object')) return areObjectsApart(one, target, deeper);
  return areOnly(shared, 'integer', 'fraction') && areRangesApart(one, { root: targetRoot, parts: [target] });
}

function listedOf(target: JsonObject): readonly JsonValue[] | undefined {
  if ('const' in target) return [target.const ?? null];
  return Array.isArray(target.enum) ? listOf(target.enum) : undefined;
}

const isRefused = ({ root, parts }: SchemaCase, value: JsonValue, budget: Budget): boolean =>
  parts.some((part) => holds(part, value, { root, budget }) === false);

function areRangesApart(one: SchemaCase, other: SchemaCase): boolean {
  const [given, taken] = [numberRange(one), numberRange(other)];
  return given.maximum < taken.minimum || given.minimum > taken.maximum;
}

/** A property that must be there and is nothing both can be: how unions tell their members apart. */
function areObjectsApart(one: SchemaCase, target: JsonObject, bounds: Bounds): boolean {
  const required = requiredOf(one);
  const wanted = listOf(target.required).filter((name) => typeof name === 'string');
  if (wanted.some((name) => propertyPlace(one, name).includes(false))) return true;
  const both = new Set([...required, ...wanted]);
  return [...both].some((name) => {
    const inner = propertyOf(target, name);
    if (inner === undefined || (isJsonObject(inner) && Object.keys(inner).length === 0)) return false;
    return listCases(one.root, propertyPlace(one, name), bounds.budget).every((given) =>
      isDisjoint(given, inner, bounds),
    );
  });
}
