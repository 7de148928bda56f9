import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { JsonSchema } from './json-schema.ts';

export const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** The schemas of a list of them, such as `anyOf`. */
export const schemasOf = (value: JsonValue | undefined): readonly JsonSchema[] => listOf(value).filter(isSchema);

export const propertiesOf = ({ properties }: JsonObject): JsonObject => (isJsonObject(properties) ? properties : {});

export const propertyOf = (schema: JsonObject, name: string): JsonSchema | undefined => {
  const properties = propertiesOf(schema);
  return Object.hasOwn(properties, name) ? toSchema(properties[name]) : undefined;
};

export const patternsOf = ({ patternProperties }: JsonObject): readonly (readonly [string, JsonSchema])[] =>
  isJsonObject(patternProperties)
    ? Object.entries(patternProperties).flatMap(([pattern, inner]) => (isSchema(inner) ? [[pattern, inner]] : []))
    : [];

/** What the schema asks of properties it does not name; undefined: nothing. */
export function additionalOf(schema: JsonObject): JsonSchema | undefined {
  return toSchema(schema.additionalProperties ?? (isAlone(schema) ? schema.unevaluatedProperties : undefined));
}

/** What the schema asks of the item at an index; undefined: nothing. */
export function itemOf(schema: JsonObject, index: number): JsonSchema | undefined {
  const prefix = listOf(schema.prefixItems);
  if (index < prefix.length) return toSchema(prefix[index]);
  const rest = schema.items ?? (isAlone(schema) && schema.contains === undefined ? schema.unevaluatedItems : undefined);
  return toSchema(rest);
}

// Where none of these stands beside it, what is left unevaluated is what is additional.
const APPLICATORS = [
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'dependentSchemas',
];
const isAlone = (schema: JsonObject): boolean =>
  !APPLICATORS.some((key) => key in schema) && !('dependencies' in schema);

function isSchema(value: JsonValue | undefined): value is JsonSchema {
  return isJsonObject(value) || typeof value === 'boolean';
}

export const toSchema = (value: JsonValue | undefined): JsonSchema | undefined => (isSchema(value) ? value : undefined);
