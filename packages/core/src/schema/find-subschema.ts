import { type JsonObject, parsePointer } from '../json.ts';
import type { Budget } from './budget.ts';
import type { JsonSchema } from './json-schema.ts';
import { areOnly, KINDS } from './kinds.ts';
import { matchesPattern } from './matches-pattern.ts';
import { isTooDeep } from './resolve-ref.ts';
import {
  itemPlace,
  kindsOfCase,
  listCases,
  namesProperties,
  propertyPlace,
  requiredOf,
  type SchemaCase,
} from './schema-cases.ts';
import { additionalOf, listOf, patternsOf, propertyOf } from './subschemas-of.ts';

export interface Subschema {
  /** References in it point into the same root. */
  readonly schema: JsonObject;
  /** Every object on the way requires the property, so the value is always there. */
  readonly always: boolean;
  /** Each value of the schema can be at that place; false where something further out may narrow it. */
  readonly exact: boolean;
}

const STEPS = 10_000;
const WHOLE = { always: true, exact: true };

/**
 * The schema of the place a JSON Pointer names inside values of `schema`, part of `root`. `undefined`: the schema excludes that place. `unknown`: it says
 * nothing of it. An object that names its properties and says nothing of others is taken not to have them: a name it lacks is a slip, not a wish.
 */
export function findSubschema(
  root: JsonSchema,
  pointer: string,
  schema: JsonSchema = root,
): Subschema | 'unknown' | undefined {
  if (isTooDeep(root) || isTooDeep(schema)) return 'unknown';
  const budget = { left: STEPS };
  let at: Subschema | 'unknown' | undefined = toSubschema([schema], WHOLE);
  for (const token of parsePointer(pointer)) {
    if (typeof at !== 'object') return at;
    at = stepInto(root, { from: at, place: (one) => placeOf(one, token), budget });
  }
  return at;
}

/** As `findSubschema`, of any item of an array. */
export function findItemSchema(root: JsonSchema, schema: JsonSchema): Subschema | 'unknown' | undefined {
  const from = toSubschema([schema], WHOLE);
  if (typeof from !== 'object' || isTooDeep(root)) return from;
  return stepInto(root, { from, place: placeOfItems, budget: { left: STEPS } });
}

interface Place {
  readonly schemas: readonly JsonSchema[];
  readonly always: boolean;
}

interface StepInto {
  readonly from: Subschema;
  readonly place: (one: SchemaCase) => Place | undefined;
  readonly budget: Budget;
}

function stepInto(root: JsonSchema, { from, place, budget }: StepInto): Subschema | 'unknown' | undefined {
  const cases = listCases(root, [from.schema], budget);
  const found = cases.map((one) => place(one));
  const there = found.filter((one) => one !== undefined);
  if (there.length === 0) return undefined;
  const always = from.always && found.every((one) => one?.always === true);
  const exact = from.exact && budget.left > 0 && cases.every(({ parts }) => parts.every(isPlain));
  const [first, ...others] = there;
  if (first && others.length === 0) return toSubschema(first.schemas, { always, exact });
  const branches = there.map(({ schemas }) => toSubschema(schemas, { always, exact }));
  const schemas = branches.map((branch) => (typeof branch === 'object' ? branch.schema : branch));
  if (schemas.includes('unknown')) return 'unknown';
  return toSubschema([{ anyOf: schemas.filter((schema) => typeof schema === 'object') }], { always, exact });
}

function toSubschema(
  schemas: readonly JsonSchema[],
  facts: { always: boolean; exact: boolean },
): Subschema | 'unknown' | undefined {
  if (schemas.includes(false)) return undefined;
  const objects = schemas.filter((schema) => typeof schema === 'object');
  const [first, ...others] = objects;
  if (first === undefined) return 'unknown';
  return { schema: others.length === 0 ? first : { allOf: objects }, ...facts };
}

// What makes a value depend on more than the place it is at.
const NARROWING = [
  'oneOf',
  'not',
  'if',
  'dependentSchemas',
  'dependentRequired',
  'dependencies',
  '$dynamicRef',
  'const',
  'enum',
];
const isPlain = (part: JsonObject): boolean => !NARROWING.some((key) => key in part);

function placeOf(one: SchemaCase, token: string): Place | undefined {
  const kinds = kindsOfCase(one);
  if (kinds.has('array') && /^(0|[1-9]\d*)$/.test(token)) {
    const schemas = itemPlace(one, Number(token));
    return schemas.includes(false) ? undefined : { schemas, always: false };
  }
  if (!kinds.has('object')) return undefined;
  const schemas = propertyPlace(one, token);
  const isObject = areOnly(kinds, 'object') || kinds.size === KINDS.length;
  if (schemas.includes(false) || (!isNamed(one, token) && !isOpen(one))) return undefined;
  return { schemas, always: isObject && requiredOf(one).has(token) };
}

const isNamed = ({ parts }: SchemaCase, name: string): boolean =>
  parts.some(
    (part) =>
      propertyOf(part, name) !== undefined ||
      listOf(part.required).includes(name) ||
      patternsOf(part).some(([pattern]) => matchesPattern(pattern, name) !== false),
  );

const isOpen = (one: SchemaCase): boolean =>
  !namesProperties(one) || one.parts.some((part) => additionalOf(part) !== undefined);

function placeOfItems(one: SchemaCase): Place | undefined {
  if (!kindsOfCase(one).has('array')) return undefined;
  const positions = Math.max(0, ...one.parts.map(({ prefixItems }) => listOf(prefixItems).length));
  const places = Array.from({ length: Math.min(positions, 100) + 1 }, (_, index) => itemPlace(one, index));
  const possible = places.filter((schemas) => !schemas.includes(false));
  const [only] = possible;
  if (only === undefined) return undefined;
  return {
    schemas: possible.length === 1 ? only : [{ anyOf: possible.map((schemas) => ({ allOf: schemas })) }],
    always: true,
  };
}
