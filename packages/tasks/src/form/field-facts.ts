import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import type { FieldLimits, FormField } from './form.ts';
import { listOf, type Said, valuesOf } from './schema-layers.ts';

/** What a field says beside its kind and place. */
export type SchemaFacts = Pick<
  FormField,
  'description' | 'default' | 'examples' | 'unit' | 'limits' | 'advanced' | 'deprecated' | 'secret'
>;

/** Of several layers the outermost counts; limits hold all at once. */
export function readFacts(schemas: readonly JsonObject[]): SchemaFacts {
  const isMarked = (...keys: string[]): boolean => keys.some((key) => valuesOf(schemas, key).includes(true));
  const description = textUnder(schemas, 'description');
  const [given] = valuesOf(schemas, 'default');
  const examples = valuesOf(schemas, 'examples').find((list) => listOf(list).length > 0);
  const unit = textUnder(schemas, 'x-mad-unit') ?? textUnder(schemas, 'x-unit');
  const limits = readLimits(schemas);
  const isSecret = valuesOf(schemas, 'format').includes('password') || isMarked('writeOnly');
  return {
    ...(description === undefined ? {} : { description }),
    ...(given === undefined ? {} : { default: given }),
    ...(examples === undefined ? {} : { examples: listOf(examples) }),
    ...(unit === undefined ? {} : { unit }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(isMarked('x-mad-advanced', 'x-advanced') ? { advanced: true as const } : {}),
    ...(isMarked('deprecated') ? { deprecated: true as const } : {}),
    ...(isSecret ? { secret: true as const } : {}),
  };
}

/** The first text under a key. */
export function textUnder(schemas: readonly JsonObject[], key: string): string | undefined {
  return valuesOf(schemas, key).find((value) => typeof value === 'string' && value !== '') as string | undefined;
}

/** `x-mad-order`, else `x-order`: lower ones come first, those without after them as the document has them. */
export function orderOf(schemas: readonly JsonObject[]): number {
  const orders = [...valuesOf(schemas, 'x-mad-order'), ...valuesOf(schemas, 'x-order')];
  return orders.find((order) => typeof order === 'number') ?? Number.POSITIVE_INFINITY;
}

/** Names that any layer requires. */
export function requiredOf(schemas: readonly JsonObject[]): ReadonlySet<JsonValue> {
  return new Set(valuesOf(schemas, 'required').flatMap(listOf));
}

/** True where nothing but the named properties may be given. */
export function isClosed(schemas: readonly JsonObject[]): boolean {
  return schemas.some((schema) => schema.additionalProperties === false || schema.unevaluatedProperties === false);
}

/** The properties that the layers name, each with all that is said of it. */
export function propertiesOf(layers: readonly Said<JsonObject>[]): ReadonlyMap<string, readonly Said[]> {
  const found = new Map<string, Said[]>();
  for (const { schema: layer, refs } of layers) {
    for (const [name, schema = true] of Object.entries(isJsonObject(layer.properties) ? layer.properties : {})) {
      const known = found.get(name);
      if (known) known.push({ schema, refs });
      else found.set(name, [{ schema, refs }]);
    }
  }
  return found;
}

const UPPER: readonly (readonly [keyof FieldLimits, string])[] = [
  ['maximum', 'maximum'],
  ['exclusiveMaximum', 'exclusiveMaximum'],
  ['maxLength', 'maxLength'],
  ['maxItems', 'maxItems'],
  ['maxProperties', 'maxProperties'],
];
const LOWER: readonly (readonly [keyof FieldLimits, string])[] = [
  ['minimum', 'minimum'],
  ['exclusiveMinimum', 'exclusiveMinimum'],
  ['minLength', 'minLength'],
  ['minItems', 'minItems'],
  ['minProperties', 'minProperties'],
  ['step', 'multipleOf'],
];

function readLimits(schemas: readonly JsonObject[]): FieldLimits {
  const limits: Record<string, JsonValue> = {};
  const put = ([key, keyword]: readonly [string, string], choose: (...values: number[]) => number): void => {
    const numbers = valuesOf(schemas, keyword).filter((value) => typeof value === 'number');
    // An integer beyond these is no number of JavaScript: generators write them where there is no limit.
    const strict = numbers.filter((value) => Math.abs(value) < Number.MAX_SAFE_INTEGER);
    if (strict.length > 0) limits[key] = choose(...strict);
  };
  for (const limit of LOWER) put(limit, Math.max);
  for (const limit of UPPER) put(limit, Math.min);
  const pattern = textUnder(schemas, 'pattern');
  if (pattern !== undefined) limits.pattern = pattern;
  if (valuesOf(schemas, 'uniqueItems').includes(true)) limits.uniqueItems = true;
  return limits;
}
