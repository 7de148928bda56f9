import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { JsonSchema } from './json-schema.ts';
import { isTooDeep } from './resolve-ref.ts';
import { listOf, propertiesOf } from './subschemas-of.ts';

/** The schema of values once their defaults are filled in: a property with a default is always there. */
export const withDefaultsFilled = createMemo((schema) =>
  mapObjects(schema, (object, defaulted) => ({ required: [...new Set([...listOf(object.required), ...defaulted])] })),
);

/** The schema of values before their defaults are filled in: a property with a default may be left out. */
export const withDefaultsOptional = createMemo((schema) =>
  mapObjects(schema, ({ required }, defaulted) =>
    required === undefined ? {} : { required: listOf(required).filter((name) => !defaulted.includes(String(name))) },
  ),
);

type Change = (object: JsonObject, defaulted: readonly string[]) => JsonObject;

/**
 * Changes the schemas in which the validator fills defaults: those of properties, of items and of `allOf`, but none in alternatives. Those behind a
 * reference are left as they are, for they may be alternatives of something else.
 */
function mapObjects(schema: JsonObject, change: Change): JsonObject {
  const map = (inner: JsonValue | undefined): JsonValue | undefined =>
    isJsonObject(inner) ? mapObjects(inner, change) : inner;
  const properties = propertiesOf(schema);
  const defaulted = Object.keys(properties).filter((name) => hasDefault(properties[name]));
  const mapped: Record<string, JsonValue | undefined> = { ...schema };
  if (schema.items !== undefined) mapped.items = map(schema.items);
  if (Array.isArray(schema.allOf)) mapped.allOf = listOf(schema.allOf).map((inner) => map(inner) ?? true);
  if (isJsonObject(schema.properties)) {
    mapped.properties = Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, map(inner)]));
    if (defaulted.length > 0) Object.assign(mapped, change(schema, defaulted));
  }
  return mapped;
}

const hasDefault = (schema: JsonValue | undefined): boolean => isJsonObject(schema) && schema.default !== undefined;

function createMemo(map: (schema: JsonObject) => JsonObject): (schema: JsonSchema) => JsonSchema {
  const mapped = new WeakMap<object, JsonObject>();
  return (schema) => {
    if (typeof schema === 'boolean' || isTooDeep(schema)) return schema;
    const known = mapped.get(schema) ?? map(schema);
    mapped.set(schema, known);
    return known;
  };
}
