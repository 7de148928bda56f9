import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';

// JSON Schema 2020-12, core and validation: which keywords hold schemas, and how.
const ONE = [
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'items',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAP = ['properties', 'patternProperties', 'dependentSchemas', '$defs'];

/** A copy of the schema with every schema directly inside it replaced by what `map` makes of it; everything else stays. */
export function mapSubschemas(schema: JsonObject, map: (subschema: JsonSchema) => JsonSchema): JsonObject {
  const copy: Record<string, JsonValue | undefined> = { ...schema };
  const mapOne = (value: JsonValue | undefined): JsonValue | undefined =>
    isJsonObject(value) || typeof value === 'boolean' ? map(value) : value;
  for (const key of ONE) if (Object.hasOwn(schema, key)) copy[key] = mapOne(schema[key]);
  for (const key of LIST) {
    const list = schema[key];
    if (Array.isArray(list)) copy[key] = list.map((entry: JsonValue) => mapOne(entry) ?? null);
  }
  for (const key of MAP) {
    const members = schema[key];
    if (isJsonObject(members))
      copy[key] = Object.fromEntries(Object.entries(members).map(([name, entry]) => [name, mapOne(entry)]));
  }
  return copy;
}

/** Every schema directly inside this one. */
export function listSubschemas(schema: JsonObject): readonly JsonSchema[] {
  const found: JsonSchema[] = [];
  mapSubschemas(schema, (subschema) => {
    found.push(subschema);
    return subschema;
  });
  return found;
}
