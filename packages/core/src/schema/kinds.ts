import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';

/** The types of JSON Schema, made disjoint: `number` is `integer` and `fraction`. */
export const KINDS = ['null', 'boolean', 'integer', 'fraction', 'string', 'array', 'object'] as const;
export type Kind = (typeof KINDS)[number];

export function kindOf(value: JsonValue): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'fraction';
  return isJsonObject(value) ? 'object' : (typeof value as 'boolean' | 'string');
}

/** The kinds that `type` of a schema lets through, `nullable` counted. */
export function kindsOf({ type, nullable }: JsonObject): ReadonlySet<Kind> {
  if (type === undefined) return ALL;
  const kinds = new Set<Kind>((Array.isArray(type) ? type : [type]).flatMap(kindsOfType));
  if (nullable === true) kinds.add('null');
  return kinds;
}

const ALL: ReadonlySet<Kind> = new Set(KINDS);

function kindsOfType(type: JsonValue): readonly Kind[] {
  if (type === 'number') return ['integer', 'fraction'];
  return KINDS.filter((kind) => kind === type && kind !== 'fraction');
}

/** The kinds that are in both. */
export const commonKinds = (some: ReadonlySet<Kind>, others: ReadonlySet<Kind>): ReadonlySet<Kind> =>
  new Set([...some].filter((kind) => others.has(kind)));

/** True where there are no other kinds than these. */
export const areOnly = (kinds: ReadonlySet<Kind>, ...only: readonly Kind[]): boolean =>
  [...kinds].every((kind) => only.includes(kind));

/** The kinds in the words of JSON Schema: `integer or string`. */
export function describeKinds(kinds: Iterable<Kind>): string {
  const names = new Set<string>([...kinds].map((kind) => (kind === 'fraction' ? 'number' : kind)));
  if (names.has('number')) names.delete('integer');
  return [...names].join(' or ') || 'nothing';
}
