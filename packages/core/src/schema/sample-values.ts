import type { JsonObject, JsonValue } from '../json.ts';
import { type Budget, spend } from './budget.ts';
import { every, holds, lengthOf } from './holds.ts';
import type { JsonSchema } from './json-schema.ts';
import { areOnly, type Kind } from './kinds.ts';
import {
  greatest,
  itemPlace,
  kindsOfCase,
  least,
  listCases,
  listValues,
  numberRange,
  propertyNamesOf,
  propertyPlace,
  requiredOf,
  type SchemaCase,
} from './schema-cases.ts';
import { schemasOf } from './subschemas-of.ts';

export interface Sampling {
  readonly budget: Budget;
  /** @default 0 */
  readonly depth?: number | undefined;
}

const MAX_DEPTH = 8;
const MAX_ITEMS = 10_001;
const MAX_LENGTH = 1_000_001;

const TEXTS = [
  ...[
    '',
    'a',
    'A',
    '0',
    'Zz9',
    '1.0.0',
    '-',
    ' ',
    '2020-01-01',
    '2020-01-01T00:00:00Z',
    '00:00:00Z',
    'a@b.co',
    '1.2.3.4',
  ],
  ...['::1', 'a.b', 'http://a.co/', '/a', 'P1D', '00000000-0000-0000-0000-000000000000', 'YQ=='],
];

/** Values of a case, the plainest first. Not each need hold: whoever takes one asks. */
export function* listSamples(one: SchemaCase, sampling: Sampling): Generator<JsonValue> {
  const { depth = 0, budget } = sampling;
  if (depth > MAX_DEPTH || !spend(budget)) return;
  const values = listValues(one, budget);
  if (values) yield* values;
  else for (const kind of kindsOfCase(one)) yield* SAMPLES[kind](one, sampling);
}

/** As `listSamples`, numbers also near the limits that the target names. */
export function* listSamplesNear(one: SchemaCase, target: JsonSchema, sampling: Sampling): Generator<JsonValue> {
  yield* listSamples(one, sampling);
  if (typeof target === 'boolean' || areOnly(kindsOfCase(one), 'null', 'boolean', 'string', 'array', 'object')) return;
  const limits = [target, ...schemasOf(target.anyOf), ...schemasOf(target.oneOf)].flatMap((schema) =>
    Object.values(schema),
  );
  yield* sampleNumbers(
    one,
    limits.filter((limit) => typeof limit === 'number'),
  );
}

type Sampler = (one: SchemaCase, sampling: Sampling) => Iterable<JsonValue>;

const SAMPLES: Readonly<Record<Kind, Sampler>> = {
  null: () => [null],
  boolean: () => [true, false],
  integer: (one) => sampleNumbers(one),
  fraction: (one) => sampleNumbers(one),
  string: (one) => sampleTexts(one),
  array: sampleArrays,
  object: sampleObjects,
};

/** Numbers of the case near those given and near its limits. */
export function sampleNumbers(one: SchemaCase, near: readonly number[] = []): readonly number[] {
  const { minimum, maximum, multiples } = numberRange(one);
  const limits = [minimum, maximum, ...near].filter(Number.isFinite);
  const around = [...limits, 0].flatMap((limit) => [limit, limit + 1, limit - 1, limit + 0.5, limit - 0.5]);
  const rounded = multiples.flatMap((multiple) =>
    around.flatMap((value) => [Math.ceil(value / multiple) * multiple, Math.floor(value / multiple) * multiple]),
  );
  const middle = Number.isFinite(minimum) && Number.isFinite(maximum) ? [(minimum + maximum) / 2] : [];
  return [...new Set([...rounded, ...around, ...middle])].filter(Number.isFinite).map((value) => value + 0);
}

/** Texts of the case, also of the given lengths. */
export function sampleTexts(one: SchemaCase, lengths: readonly number[] = []): readonly string[] {
  const wanted = [...lengths, greatest(one, 'minLength', 0), least(one, 'maxLength')];
  const long = wanted.filter((length) => length > 0 && length <= MAX_LENGTH);
  const [shortest, longest] = [greatest(one, 'minLength', 0), least(one, 'maxLength')];
  const texts = [...TEXTS, ...long.flatMap((length) => ['a', '0', 'A'].map((letter) => letter.repeat(length)))];
  return texts.filter((text) => text.length > 100 || (lengthOf(text) >= shortest && lengthOf(text) <= longest));
}

function* sampleArrays(one: SchemaCase, sampling: Sampling): Generator<JsonValue> {
  const shortest = greatest(one, 'minItems', 0);
  for (const length of [shortest, shortest + 1]) {
    const array = sampleArray(one, length, sampling);
    if (array) yield array;
  }
}

/** An array of so many items; undefined where none is found. */
export function sampleArray(one: SchemaCase, length: number, sampling: Sampling): readonly JsonValue[] | undefined {
  const isUnique = one.parts.some(({ uniqueItems }) => uniqueItems === true);
  if (length > MAX_ITEMS || !spend(sampling.budget, length)) return undefined;
  const items: JsonValue[] = [];
  let fresh: JsonValue[] | undefined;
  let repeated: JsonValue | undefined;
  const fixed = Math.max(
    0,
    ...one.parts.map(({ prefixItems }) => (Array.isArray(prefixItems) ? prefixItems.length : 0)),
  );
  for (let index = 0; index < length; index++) {
    const place = itemPlace(one, index);
    let item: JsonValue | undefined;
    if (isUnique) {
      if (index <= fixed) fresh = sampleDistinct(one.root, place, deeper(sampling));
      item = fresh?.find((value) => items.every((known) => JSON.stringify(known) !== JSON.stringify(value)));
    } else {
      if (index <= fixed) repeated = sample(one.root, place, deeper(sampling));
      item = repeated;
    }
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

function sampleDistinct(root: JsonSchema, place: readonly JsonSchema[], sampling: Sampling): JsonValue[] {
  return listCases(root, place, sampling.budget).flatMap((one) =>
    [...listSamples(one, sampling)].filter((value) => holdsAt(root, { place, value }, sampling)),
  );
}

function* sampleObjects(one: SchemaCase, sampling: Sampling): Generator<JsonValue> {
  const required = requiredOf(one);
  const least = sampleObject(one, [...required], sampling);
  if (!least) return;
  yield least;
  const full: Record<string, JsonValue | undefined> = { ...least };
  for (const name of propertyNamesOf(one)) {
    if (required.has(name)) continue;
    const value = sample(one.root, propertyPlace(one, name), deeper(sampling));
    if (value === undefined) continue;
    put(full, name, value);
    yield put({ ...least }, name, value);
  }
  yield full;
}

function sampleObject(one: SchemaCase, names: readonly string[], sampling: Sampling): JsonObject | undefined {
  const object: Record<string, JsonValue | undefined> = {};
  for (const name of names) {
    const value = sample(one.root, propertyPlace(one, name), deeper(sampling));
    if (value === undefined) return undefined;
    put(object, name, value);
  }
  return object;
}

/** One value that the schemas all hold for, as far as can be told; undefined where none is found. */
export function sample(root: JsonSchema, place: readonly JsonSchema[], sampling: Sampling): JsonValue | undefined {
  for (const one of listCases(root, place, sampling.budget))
    for (const value of listSamples(one, sampling)) if (holdsAt(root, { place, value }, sampling)) return value;
  return undefined;
}

function holdsAt(
  root: JsonSchema,
  { place, value }: { place: readonly JsonSchema[]; value: JsonValue },
  { budget }: Sampling,
): boolean {
  return every(place, (schema) => holds(schema, value, { root, budget })) === true;
}

/** A value of the case that has the given one at a key. */
export function surround(
  one: SchemaCase,
  { key, value }: { readonly key: string | number; readonly value: JsonValue },
  sampling: Sampling,
): JsonValue | undefined {
  if (typeof key === 'string') {
    const others = sampleObject(
      one,
      [...requiredOf(one)].filter((name) => name !== key),
      sampling,
    );
    return others && put({ ...others }, key, value);
  }
  const array = sampleArray(one, Math.max(greatest(one, 'minItems', 0), key), sampling);
  return array?.toSpliced(key, 1, value);
}

// Assigned, `__proto__` would change what the object inherits.
function put(object: Record<string, JsonValue | undefined>, name: string, value: JsonValue): JsonObject {
  return Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}

const deeper = ({ budget, depth = 0 }: Sampling): Sampling => ({ budget, depth: depth + 1 });
