import { findByPointer, isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';

/** A schema, and the references by which it was come to from the root: the one after the other lies inside it. */
export interface Said<Schema = JsonValue> {
  readonly schema: Schema;
  readonly refs: ReadonlySet<string>;
}

/** All schemas that one value has to fit at once, flat: their references and `allOf` are followed, so are alternatives to null. */
export interface SchemaLayers {
  /** From the outermost in. None has `$ref` or `allOf`; `oneOf` and `anyOf` leave a choice of two at least. */
  readonly layers: readonly Said<JsonObject>[];
  /** Those of the layers. */
  readonly schemas: readonly JsonObject[];
  /** True when a reference leads back to a schema that this place lies in. */
  readonly repeats: boolean;
  /** True where the schemas say that null may be given. */
  readonly nullable: boolean;
}

/** A schema on the way to its layer. */
interface Visit extends Said<JsonValue | undefined> {
  /** True inside an alternative to null, which says nothing of null itself. */
  readonly besideNull: boolean;
}

/** Reads the layers of one place of a self-contained schema. */
export function readLayers(root: JsonSchema, said: readonly Said[]): SchemaLayers {
  const layers: Said<JsonObject>[] = [];
  const met = new Set<JsonObject>();
  let [repeats, saysNull, refusesNull] = [false, false, false];
  // The stack gives the last first.
  const stack: Visit[] = said.map((one) => ({ ...one, besideNull: false })).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { schema, refs, besideNull } = next;
    if (!isJsonObject(schema) || met.has(schema)) continue;
    met.add(schema);
    const { $ref, allOf, ...own } = schema;
    const { layer, only, takesNull } = withoutNull(own);
    layers.push({ schema: layer, refs });
    const isNullNamed = takesNull ?? namesNull(layer);
    if (isNullNamed === true) saysNull = true;
    if (isNullNamed === false && !besideNull) refusesNull = true;
    for (const one of only.toReversed()) stack.push({ schema: one, refs, besideNull: true });
    for (const part of listOf(allOf).toReversed()) stack.push({ schema: part, refs, besideNull });
    if (typeof $ref !== 'string') continue;
    if (refs.has($ref)) repeats = true;
    stack.push({ schema: targetOf(root, $ref), refs: new Set([...refs, $ref]), besideNull });
  }
  return { layers, schemas: layers.map(({ schema }) => schema), repeats, nullable: saysNull && !refusesNull };
}

const targetOf = (root: JsonSchema, ref: string): JsonValue | undefined =>
  isJsonObject(root) ? findByPointer(root, ref.slice(1)) : undefined;

interface WithoutNull {
  readonly layer: JsonObject;
  /** Alternatives without which the value could only be null. */
  readonly only: readonly JsonValue[];
  /** Undefined where no alternative is null. */
  readonly takesNull: true | undefined;
}

function withoutNull(schema: JsonObject): WithoutNull {
  const layer: Record<string, JsonValue | undefined> = { ...schema };
  const only: JsonValue[] = [];
  let takesNull: true | undefined;
  for (const key of ['oneOf', 'anyOf']) {
    const all = listOf(schema[key]);
    const others = all.filter((alternative) => !isNull(alternative));
    if (others.length < all.length) takesNull = true;
    layer[key] = others;
    if (others.length > 1) continue;
    delete layer[key];
    only.push(...others);
  }
  return { layer, only, takesNull };
}

function isNull(schema: JsonValue): boolean {
  if (!isJsonObject(schema)) return false;
  const { type, const: only, enum: values } = schema;
  return type === 'null' || only === null || (Array.isArray(values) && values.length === 1 && values[0] === null);
}

/** Whether a schema, its alternatives aside, says that null may be given or that it may not; undefined: neither. */
function namesNull({ type, enum: values, const: only }: JsonObject): boolean | undefined {
  if (only !== undefined) return only === null;
  if (Array.isArray(values)) return values.includes(null);
  if (type === undefined) return undefined;
  return type === 'null' || listOf(type).includes('null');
}

/** The array, or an empty one for anything else. */
export const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** What the layers say under a key, from the outermost in. */
export function valuesOf(schemas: readonly JsonObject[], key: string): readonly JsonValue[] {
  return schemas.map((schema) => schema[key]).filter((value) => value !== undefined);
}

/** Types that all layers allow, null aside; none given: those their keywords speak of; undefined: any. */
export function typesOf(schemas: readonly JsonObject[]): readonly string[] | undefined {
  const isText = (type: JsonValue): type is string => typeof type === 'string';
  const given = valuesOf(schemas, 'type').map((type) => (Array.isArray(type) ? listOf(type) : [type]).filter(isText));
  const [first, ...others] = given;
  if (!first) return impliedTypes(schemas);
  const both = others.reduce<readonly string[]>(intersect, first).filter((type) => type !== 'null');
  return both.includes('number') ? both.filter((type) => type !== 'integer') : both;
}

function intersect(some: readonly string[], others: readonly string[]): readonly string[] {
  const isIn = (list: readonly string[], type: string) =>
    list.includes(type) || (type === 'integer' && list.includes('number'));
  const both = [...some.filter((type) => isIn(others, type)), ...others.filter((type) => isIn(some, type))];
  return [...new Set(both)];
}

const IMPLIED: readonly (readonly [string, readonly string[]])[] = [
  ['object', ['properties', 'patternProperties', 'additionalProperties', 'required']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems']],
  ['string', ['pattern', 'minLength', 'maxLength']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

function impliedTypes(schemas: readonly JsonObject[]): readonly string[] | undefined {
  const found = IMPLIED.find(([, keys]) => keys.some((key) => schemas.some((schema) => schema[key] !== undefined)));
  return found && [found[0]];
}
