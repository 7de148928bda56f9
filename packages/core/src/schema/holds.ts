import { isJsonObject, type JsonObject, type JsonValue, sortedJson } from '../json.ts';
import { type Budget, spend } from './budget.ts';
import type { JsonSchema } from './json-schema.ts';
import { kindOf, kindsOf } from './kinds.ts';
import { matchesFormat } from './matches-format.ts';
import { matchesPattern } from './matches-pattern.ts';
import { resolveRef } from './resolve-ref.ts';
import { additionalOf, itemOf, listOf, patternsOf, propertiesOf } from './subschemas-of.ts';

/** true, false, or undefined where it cannot be told. */
export type Truth = boolean | undefined;

export interface Within {
  /** What references of the schema point into. */
  readonly root: JsonSchema;
  readonly budget: Budget;
  /** @default 0 */
  readonly depth?: number | undefined;
}

const MAX_DEPTH = 100;

/**
 * Whether a schema takes a value. Bounded, and it compiles nothing, so it may be asked of schemas that would cost a validator seconds; where it says
 * true or false, the validator does too.
 */
export function holds(schema: JsonSchema, value: JsonValue, within: Within): Truth {
  if (typeof schema === 'boolean') return schema;
  const { depth = 0 } = within;
  if (depth > MAX_DEPTH || !spend(within.budget)) return undefined;
  const inner = { ...within, depth: depth + 1 };
  return every(CHECKS, (check) => check(schema, value, inner));
}

type Check = (schema: JsonObject, value: JsonValue, within: Within) => Truth;

const CHECKS: readonly Check[] = [
  (schema, value) => kindsOf(schema).has(kindOf(value)),
  holdsValues,
  holdsNumber,
  holdsString,
  holdsArray,
  holdsObject,
  holdsCombined,
  // What is left is not read here. Asked last: whatever is known to fail has failed by now.
  (schema, value) => (isUnread(schema, value) ? undefined : true),
];

/** False as soon as one is, undefined where one is unknown. */
export function every<Item>(items: Iterable<Item>, ask: (item: Item) => Truth): Truth {
  let truth: Truth = true;
  for (const item of items) {
    const answer = ask(item);
    if (answer === false) return false;
    if (answer === undefined) truth = undefined;
  }
  return truth;
}

const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);
const some = <Item>(items: Iterable<Item>, ask: (item: Item) => Truth): Truth =>
  not(every(items, (item) => not(ask(item))));
const atLeast = (value: number, limit: JsonValue | undefined): boolean => typeof limit !== 'number' || value >= limit;
const atMost = (value: number, limit: JsonValue | undefined): boolean => typeof limit !== 'number' || value <= limit;

function holdsValues(schema: JsonObject, value: JsonValue, { budget }: Within): Truth {
  const wanted = [...('const' in schema ? [schema.const] : []), ...listOf(schema.enum)];
  if (!('const' in schema) && !Array.isArray(schema.enum)) return true;
  if (!spend(budget, wanted.length)) return undefined;
  const text = sortedJson(value);
  if ('const' in schema && sortedJson(schema.const) !== text) return false;
  return !Array.isArray(schema.enum) || schema.enum.some((item: JsonValue) => sortedJson(item) === text);
}

function holdsNumber(schema: JsonObject, value: JsonValue): Truth {
  if (typeof value !== 'number') return true;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (!atLeast(value, minimum) || !atMost(value, maximum)) return false;
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false;
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) return false;
  return typeof multipleOf !== 'number' || isMultiple(value, multipleOf);
}

/** Certain for whole numbers and for what is far from being a multiple: between those, validators round each in their own way. */
function isMultiple(value: number, of: number): Truth {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(of)) return of !== 0 && value % of === 0;
  const quotient = value / of;
  if (!Number.isFinite(quotient) || Math.abs(quotient) > 1e6) return undefined;
  return Math.abs(quotient - Math.round(quotient)) > 1e-6 ? false : undefined;
}

function holdsString(schema: JsonObject, value: JsonValue): Truth {
  const { minLength, maxLength, pattern, format } = schema;
  const ofFormat = typeof format === 'string' ? matchesFormat(format, value) : true;
  if (typeof value !== 'string') return ofFormat;
  const length = minLength === undefined && maxLength === undefined ? 0 : lengthOf(value);
  if (!atLeast(length, minLength) || !atMost(length, maxLength)) return false;
  const matches = typeof pattern === 'string' ? matchesPattern(pattern, value) : true;
  return every([ofFormat, matches], (truth) => truth);
}

/** In characters, as JSON Schema counts; UTF-16 counts some twice. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function holdsArray(schema: JsonObject, value: JsonValue, within: Within): Truth {
  if (!Array.isArray(value)) return true;
  const items: readonly JsonValue[] = value;
  if (!atLeast(items.length, schema.minItems) || !atMost(items.length, schema.maxItems)) return false;
  if (!spend(within.budget, items.length)) return undefined;
  if (schema.uniqueItems === true && new Set(items.map(sortedJson)).size < items.length) return false;
  return every(
    [
      every(items.entries(), ([index, item]) => holds(itemOf(schema, index) ?? true, item, within)),
      holdsContains(schema, items, within),
    ],
    (truth) => truth,
  );
}

function holdsContains(schema: JsonObject, items: readonly JsonValue[], within: Within): Truth {
  const { contains, minContains = 1, maxContains } = schema;
  if (contains === undefined) return true;
  const answers = items.map((item) => holds(asSchema(contains), item, within));
  const sure = answers.filter((answer) => answer === true).length;
  const possible = answers.filter((answer) => answer !== false).length;
  if (!atLeast(possible, minContains) || !atMost(sure, maxContains)) return false;
  return atLeast(sure, minContains) && atMost(possible, maxContains) ? true : undefined;
}

function holdsObject(schema: JsonObject, value: JsonValue, within: Within): Truth {
  if (!isJsonObject(value)) return true;
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  const has = (name: JsonValue): boolean =>
    typeof name === 'string' && Object.hasOwn(value, name) && value[name] !== undefined;
  if (!atLeast(names.length, schema.minProperties) || !atMost(names.length, schema.maxProperties)) return false;
  if (!listOf(schema.required).every(has)) return false;
  const dependent = isJsonObject(schema.dependentRequired) ? Object.entries(schema.dependentRequired) : [];
  if (dependent.some(([name, others]) => has(name) && !listOf(others).every(has))) return false;
  const dependentSchemas = Object.entries(isJsonObject(schema.dependentSchemas) ? schema.dependentSchemas : {});
  return every(
    [
      every(names, (name) => holdsProperty(schema, { name, value: value[name] ?? null }, within)),
      every(names, (name) => holds(asSchema(schema.propertyNames), name, within)),
      every(dependentSchemas, ([name, inner]) => !has(name) || holds(asSchema(inner), value, within)),
    ],
    (truth) => truth,
  );
}

function holdsProperty(schema: JsonObject, { name, value }: { name: string; value: JsonValue }, within: Within): Truth {
  const properties = propertiesOf(schema);
  const isNamed = Object.hasOwn(properties, name);
  const patterns = patternsOf(schema).map(([pattern, inner]) => ({ inner, matches: matchesPattern(pattern, name) }));
  const answers: Truth[] = isNamed ? [holds(asSchema(properties[name]), value, within)] : [];
  for (const { inner, matches } of patterns) {
    const answer = matches === false ? true : holds(inner, value, within);
    answers.push(matches === undefined && answer === false ? undefined : answer);
  }
  if (!isNamed && patterns.every(({ matches }) => matches !== true)) {
    const answer = holds(additionalOf(schema) ?? true, value, within);
    answers.push(answer !== true && patterns.some(({ matches }) => matches === undefined) ? undefined : answer);
  }
  return every(answers, (truth) => truth);
}

function holdsCombined(schema: JsonObject, value: JsonValue, within: Within): Truth {
  const ask = (inner: JsonValue | undefined): Truth => holds(asSchema(inner), value, within);
  const { $ref, allOf, anyOf, oneOf } = schema;
  const answers: Truth[] = [];
  if ($ref !== undefined) {
    const target = resolveRef(within.root, $ref);
    answers.push(target === undefined ? undefined : ask(target));
  }
  if (Array.isArray(allOf)) answers.push(every(listOf(allOf), ask));
  if (Array.isArray(anyOf)) answers.push(some(listOf(anyOf), ask));
  if (Array.isArray(oneOf)) answers.push(holdsOne(listOf(oneOf).map(ask)));
  if (schema.not !== undefined) answers.push(not(ask(schema.not)));
  if (schema.if !== undefined) answers.push(holdsIf(schema, ask));
  return every(answers, (truth) => truth);
}

function holdsOne(answers: readonly Truth[]): Truth {
  const sure = answers.filter((answer) => answer === true).length;
  if (sure > 1) return false;
  if (answers.includes(undefined)) return undefined;
  return sure === 1;
}

function holdsIf(schema: JsonObject, ask: (inner: JsonValue | undefined) => Truth): Truth {
  const condition = ask(schema.if);
  if (condition === true) return ask(schema.then);
  if (condition === false) return ask(schema.else);
  const [met, unmet] = [ask(schema.then), ask(schema.else)];
  return met === unmet ? met : undefined;
}

/** True where the schema says something of such a value that is not read here. */
function isUnread(schema: JsonObject, value: JsonValue): boolean {
  if (schema.$dynamicRef !== undefined || schema.$recursiveRef !== undefined) return true;
  if (isJsonObject(value)) return isUnreadOf(schema, 'object');
  return Array.isArray(value) && isUnreadOf(schema, 'array');
}

/** As `isUnread`, for every object or array. */
export function isUnreadOf(schema: JsonObject, kind: 'object' | 'array'): boolean {
  if (kind === 'array')
    return (schema.unevaluatedItems ?? true) !== true && itemOf(schema, Number.POSITIVE_INFINITY) === undefined;
  const isUnevaluated = (schema.unevaluatedProperties ?? true) !== true && additionalOf(schema) === undefined;
  return isUnevaluated || schema.dependencies !== undefined;
}

function asSchema(value: JsonValue | undefined): JsonSchema {
  return isJsonObject(value) || typeof value === 'boolean' ? value : true;
}
