import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { type Budget, spend } from './budget.ts';
import { holds } from './holds.ts';
import type { JsonSchema } from './json-schema.ts';
import { areOnly, commonKinds, KINDS, type Kind, kindOf, kindsOf } from './kinds.ts';
import { matchesPattern } from './matches-pattern.ts';
import { resolveRef } from './resolve-ref.ts';
import { additionalOf, itemOf, listOf, patternsOf, propertiesOf, propertyOf, schemasOf } from './subschemas-of.ts';

/**
 * One way in which a value can satisfy a schema: it holds for each of the parts. References, `allOf` and one branch of every `anyOf` and
 * `oneOf` are among them, so a reader may look at the other keywords of each part alone. Every value of the schema is in one of its cases.
 */
export interface SchemaCase {
  readonly root: JsonSchema;
  readonly parts: readonly JsonObject[];
}

/** More branches than this are not told apart. */
const MAX_CASES = 64;
/** More values than this are not gone through one by one. */
const MAX_INTEGERS = 32;

interface Growing {
  readonly parts: ReadonlySet<JsonObject>;
  /** Branches yet to be chosen from. */
  readonly choices: readonly (readonly JsonSchema[])[];
}

/** The cases of a value that each of `place` holds for; none where nothing can be there. */
export function listCases(root: JsonSchema, place: readonly JsonSchema[], budget: Budget): readonly SchemaCase[] {
  const first = absorb(root, { parts: new Set(), choices: [] }, place);
  const open = first ? [first] : [];
  const cases: SchemaCase[] = [];
  for (let next = open.pop(); next; next = open.pop()) {
    const [branches, ...choices] = next.choices;
    if (branches === undefined) {
      const found = { root, parts: [...next.parts] };
      if (kindsOfCase(found).size > 0) cases.push(found);
    } else if (open.length + cases.length + branches.length > MAX_CASES || !spend(budget, branches.length)) {
      // Without the choice there are more values, not fewer.
      open.push({ parts: next.parts, choices });
    } else {
      const { parts } = next;
      open.push(...branches.toReversed().flatMap((branch) => absorb(root, { parts, choices }, [branch]) ?? []));
    }
  }
  return cases;
}

function absorb(root: JsonSchema, { parts, choices }: Growing, place: readonly JsonSchema[]): Growing | undefined {
  const all = new Set(parts);
  const found: (readonly JsonSchema[])[] = [];
  const pending = [...place];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (next === false) return undefined;
    if (next === true || all.has(next)) continue;
    all.add(next);
    const target = resolveRef(root, next.$ref);
    if (target !== undefined) pending.push(target);
    pending.push(...schemasOf(next.allOf));
    for (const branches of [next.anyOf, next.oneOf]) if (Array.isArray(branches)) found.push(schemasOf(branches));
  }
  return { parts: all, choices: [...choices, ...found] };
}

const knownKinds = new WeakMap<SchemaCase, ReadonlySet<Kind>>();

export function kindsOfCase(one: SchemaCase): ReadonlySet<Kind> {
  const known = knownKinds.get(one) ?? findKinds(one);
  knownKinds.set(one, known);
  return known;
}

function findKinds({ parts }: SchemaCase): ReadonlySet<Kind> {
  let kinds: ReadonlySet<Kind> = new Set(KINDS);
  for (const part of parts) {
    kinds = commonKinds(kinds, kindsOf(part));
    if ('const' in part) kinds = commonKinds(kinds, new Set([kindOf(part.const ?? null)]));
    if (Array.isArray(part.enum)) kinds = commonKinds(kinds, new Set(listOf(part.enum).map(kindOf)));
    if (Number.isSafeInteger(part.multipleOf)) kinds = new Set([...kinds].filter((kind) => kind !== 'fraction'));
  }
  return kinds;
}

// Named once each, so that the same narrowing is the same case again.
const ONLY: Readonly<Record<Kind, JsonObject>> = {
  null: { type: 'null' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  fraction: { type: 'number' },
  string: { type: 'string' },
  array: { type: 'array' },
  object: { type: 'object' },
};

/** The case split by kind; numbers stay together where there are fractions among them. */
export function splitKinds(one: SchemaCase): readonly SchemaCase[] {
  const kinds = new Set(kindsOfCase(one));
  if (kinds.has('fraction')) kinds.delete('integer');
  return kinds.size < 2 ? [one] : [...kinds].map((kind) => narrowTo(one, kind));
}

export function narrowTo({ root, parts }: SchemaCase, kind: Kind): SchemaCase {
  return { root, parts: [...parts, ONLY[kind]] };
}

/** The schemas of values as they were, without what narrowed them. */
export function describeCase({ parts }: SchemaCase): JsonSchema {
  const own = parts.filter((part) => !Object.values(ONLY).includes(part));
  const [first, ...others] = own;
  if (first === undefined) return parts.at(-1) ?? true;
  return others.length === 0 ? first : { allOf: own };
}

const REMARKS = new Set(
  `title description $comment examples default deprecated readOnly writeOnly $schema $defs definitions $ref allOf anyOf oneOf`.split(
    ' ',
  ),
);

/** True where the schemas say nothing of the value at all. */
export function isSilent({ parts }: SchemaCase): boolean {
  return parts.every((part) => Object.keys(part).every((key) => REMARKS.has(key) || key.startsWith('x-')));
}

/** Every value there is, where they are few: more may be listed, none is left out. */
export function listValues(one: SchemaCase, budget: Budget): readonly JsonValue[] | undefined {
  const listed = listUnchecked(one);
  if (!listed || !spend(budget, listed.length)) return undefined;
  return listed.filter((value) => one.parts.every((part) => holds(part, value, { root: one.root, budget }) !== false));
}

function listUnchecked(one: SchemaCase): readonly JsonValue[] | undefined {
  const constant = one.parts.find((part) => 'const' in part);
  if (constant) return [constant.const ?? null];
  const listed = one.parts.find((part) => Array.isArray(part.enum));
  if (listed) return listOf(listed.enum);
  const kinds = kindsOfCase(one);
  if (areOnly(kinds, 'null', 'boolean')) return [null, true, false];
  if (!areOnly(kinds, 'integer')) return undefined;
  const { minimum, maximum } = numberRange(one);
  const [from, to] = [Math.ceil(minimum), Math.floor(maximum)];
  return to - from < MAX_INTEGERS
    ? Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
    : undefined;
}

/** The strictest lower limit a keyword of the parts sets. */
export const greatest = ({ parts }: SchemaCase, keyword: string, absent: number): number =>
  parts.reduce((limit, { [keyword]: value }) => (typeof value === 'number' ? Math.max(limit, value) : limit), absent);

/** The strictest upper limit a keyword of the parts sets. */
export const least = ({ parts }: SchemaCase, keyword: string): number =>
  parts.reduce((limit, { [keyword]: value }) => (typeof value === 'number' ? Math.min(limit, value) : limit), Infinity);

export interface NumberRange {
  readonly minimum: number;
  readonly maximum: number;
  /** The limit itself is no value. */
  readonly isAboveMinimum: boolean;
  readonly isBelowMaximum: boolean;
  readonly multiples: readonly number[];
}

export function numberRange(one: SchemaCase): NumberRange {
  const [minimum, above] = [greatest(one, 'minimum', -Infinity), greatest(one, 'exclusiveMinimum', -Infinity)];
  const [maximum, below] = [least(one, 'maximum'), least(one, 'exclusiveMaximum')];
  const multiples = one.parts.flatMap(({ multipleOf }) => (typeof multipleOf === 'number' ? [multipleOf] : []));
  const range = {
    minimum: Math.max(minimum, above),
    maximum: Math.min(maximum, below),
    isAboveMinimum: above >= minimum && above > -Infinity,
    isBelowMaximum: below <= maximum && below < Infinity,
    multiples,
  };
  if (kindsOfCase(one).has('fraction')) return range;
  return {
    minimum: range.isAboveMinimum ? Math.floor(range.minimum) + 1 : Math.ceil(range.minimum),
    maximum: range.isBelowMaximum ? Math.ceil(range.maximum) - 1 : Math.floor(range.maximum),
    isAboveMinimum: false,
    isBelowMaximum: false,
    multiples: [1, ...multiples],
  };
}

export function requiredOf({ parts }: SchemaCase): ReadonlySet<string> {
  return new Set(parts.flatMap(({ required }) => listOf(required).filter((name) => typeof name === 'string')));
}

export const propertyNamesOf = ({ parts }: SchemaCase): readonly string[] => [
  ...new Set(parts.flatMap((part) => Object.keys(propertiesOf(part)))),
];

/** What the parts say of a property: each of the schemas holds for it. */
export function propertyPlace({ parts }: SchemaCase, name: string): readonly JsonSchema[] {
  return parts.flatMap((part) => {
    const named = propertyOf(part, name);
    const patterns = patternsOf(part).map(([pattern, inner]) => ({ inner, matches: matchesPattern(pattern, name) }));
    const matched = patterns.flatMap(({ inner, matches }) => (matches === true ? [inner] : []));
    if (named !== undefined) return [named, ...matched];
    const isAdditional = patterns.every(({ matches }) => matches === false);
    return isAdditional ? [...matched, additionalOf(part) ?? true] : matched;
  });
}

/** What the parts say of the item at an index. */
export function itemPlace({ parts }: SchemaCase, index: number): readonly JsonSchema[] {
  return parts.map((part) => itemOf(part, index) ?? true);
}

/** True when some part names all the properties there can be, patterns counted. */
export const isClosed = ({ parts }: SchemaCase): boolean => parts.some((part) => additionalOf(part) === false);

/** True where the parts say which properties there are, so that one they leave out is left out on purpose. */
export const namesProperties = ({ parts }: SchemaCase): boolean =>
  parts.some((part) => isJsonObject(part.properties) || additionalOf(part) !== undefined);
