import type { JsonValue } from '../json.ts';
import type { Condition } from './condition.ts';

const VALUE = Symbol.for('@mad/reference');

/** A place that holds a `Value` when the step that reads it runs. A `Value` that includes undefined may be absent. */
export interface Source<out Value> {
  /** The JSON Pointer, as bindings write it. */
  readonly from: string;
  /** `type` is never there: a function, so that undefined counts whatever the compiler options of the author are. */
  readonly [VALUE]: { readonly type?: () => Value };
}

/** Keys that lead further into a value; none for a value whose type is unknown. */
type KeyOf<Value> = Value extends null | undefined
  ? never
  : Value extends readonly unknown[]
    ? number
    : Value extends object
      ? keyof Value & string
      : never;

/** What is there; undefined joins where it may be absent. */
type ValueAt<Value, Key> = Value extends readonly (infer Item)[]
  ? Item | undefined
  : Key extends keyof Value
    ? string extends keyof Value
      ? Value[Key] | undefined
      : Value[Key]
    : undefined;

/** A source that leads further into its value, and makes conditions of it. */
export interface Reference<Value> extends Source<Value> {
  /** The place of a property, or of an item of a list. */
  at<Key extends KeyOf<Value>>(key: Key): Reference<ValueAt<Value, Key>>;
  /** The same place, declared to hold a `Declared`: for what no type can tell. Publishing proves it, or running checks it. */
  as<Declared>(): Reference<Declared>;
  /** The same place, declared to hold a value: for what `when` asks to exist. Publishing refuses it where nothing rules out that it is absent. */
  present(): Reference<Exclude<Value, undefined>>;
  /** Holds when the value is the same JSON. */
  equals(value: Value & JsonValue): Condition;
  /** Holds when the value equals one of these. */
  in(values: readonly (Value & JsonValue)[]): Condition;
  /** Holds when something is there, null too. */
  exists(): Condition;
  /** Holds when the value is a number greater than `limit`. */
  above(limit: number): Condition;
  /** Holds when the value is a number less than `limit`. */
  below(limit: number): Condition;
}

export function createReference<Value>(from: string): Reference<Value> {
  return {
    from,
    [VALUE]: {},
    at: (key) => createReference(`${from}/${escapeKey(String(key))}`),
    as: () => createReference(from),
    present: () => createReference(from),
    equals: (value) => ({ from, equals: value }),
    in: (values) => ({ from, in: values }),
    exists: () => ({ from, exists: true }),
    above: (limit) => ({ from, above: limit }),
    below: (limit) => ({ from, below: limit }),
  };
}

/** The first reference inside a value, with the JSON Pointer to it; nothing is looked at twice, circles included. */
export function findReference(value: unknown): { readonly pointer: string; readonly from: string } | undefined {
  const seen = new Set<unknown>();
  const open = [{ pointer: '', value }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { pointer, value: inner } = next;
    if (isReference(inner)) return { pointer, from: inner.from };
    if (typeof inner !== 'object' || inner === null || seen.has(inner)) continue;
    seen.add(inner);
    for (const [key, each] of Object.entries(inner).reverse())
      open.push({ pointer: `${pointer}/${escapeKey(key)}`, value: each });
  }
  return undefined;
}

function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function isReference(value: unknown): value is Source<unknown> {
  return typeof value === 'object' && value !== null && VALUE in value;
}
