import { findByPointer, isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { mapSubschemas } from './subschemas.ts';

/** A place in a value where its schema puts a file. */
export interface FilePlace {
  /** Property names and array indexes from the root to the place. */
  readonly path: readonly string[];
  readonly contentType: string;
  /** True when the text is base64 of the file's bytes (`contentEncoding: base64`); otherwise it is the file, in UTF-8. */
  readonly base64: boolean;
  readonly value: JsonValue;
}

/** Keywords for objects and keywords for strings do not touch each other: beside those of a file they describe its reference. */
const REFERENCE: JsonObject = {
  properties: {
    $artifact: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    contentType: { type: 'string' },
    sizeBytes: { type: 'integer', minimum: 0 },
  },
  required: ['$artifact', 'contentType', 'sizeBytes'],
  additionalProperties: false,
};

/** True for a string with `contentMediaType`, or of `format: binary`. */
export function isFileSchema(schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return false;
  return (
    typesOf(schema).includes('string') && (typeof schema.contentMediaType === 'string' || schema.format === 'binary')
  );
}

/** The same schema with an artifact reference accepted wherever it puts a file. */
export function acceptReferences(schema: JsonSchema): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  if (isFileSchema(schema)) return { ...schema, ...REFERENCE, type: [...typesOf(schema), 'object'] };
  return mapSubschemas(schema, acceptReferences);
}

/** Every place of the value where the schema puts a file, whatever is there now. Branches that cannot mean this value are left out. */
export function listFilePlaces(root: JsonSchema, value: JsonValue): readonly FilePlace[] {
  const places = new Map<string, FilePlace>();

  function visit(
    schema: JsonValue | undefined,
    at: { value: JsonValue; path: readonly string[]; met: Set<JsonObject> },
  ): void {
    if (!isJsonObject(schema) || at.met.has(schema) || !mayMean(schema, at.value)) return;
    at.met.add(schema);
    if (isFileSchema(schema)) {
      const { contentMediaType, contentEncoding } = schema;
      const contentType = typeof contentMediaType === 'string' ? contentMediaType : 'application/octet-stream';
      places.set(JSON.stringify(at.path), {
        path: at.path,
        contentType,
        base64: contentEncoding === 'base64',
        value: at.value,
      });
      return;
    }
    if (typeof schema.$ref === 'string' && isJsonObject(root)) visit(findByPointer(root, schema.$ref.slice(1)), at);
    for (const key of ['allOf', 'anyOf', 'oneOf']) for (const branch of listOf(schema[key])) visit(branch, at);
    for (const key of ['then', 'else']) visit(schema[key], at);
    if (Array.isArray(at.value)) {
      const prefix = listOf(schema.prefixItems);
      at.value.forEach((item: JsonValue, index) => {
        visit(prefix[index] ?? schema.items, { value: item, path: [...at.path, String(index)], met: new Set() });
      });
    } else if (isJsonObject(at.value)) {
      for (const [name, member] of Object.entries(at.value)) {
        if (member === undefined) continue;
        for (const inner of schemasOf(schema, name))
          visit(inner, { value: member, path: [...at.path, name], met: new Set() });
      }
    }
  }

  visit(root, { value, path: [], met: new Set() });
  return [...places.values()];
}

function schemasOf(schema: JsonObject, name: string): JsonValue[] {
  const found: JsonValue[] = [];
  const { properties, patternProperties, additionalProperties } = schema;
  if (isJsonObject(properties) && Object.hasOwn(properties, name)) found.push(properties[name] ?? true);
  if (isJsonObject(patternProperties)) {
    for (const [pattern, inner] of Object.entries(patternProperties))
      if (new RegExp(pattern, 'u').test(name)) found.push(inner ?? true);
  }
  if (found.length === 0 && additionalProperties !== undefined) found.push(additionalProperties);
  return found;
}

/** False when a `const` or one-valued `enum` of the branch names another value: how unions tell their members apart. */
function mayMean(schema: JsonObject, value: JsonValue): boolean {
  if (!isJsonObject(value) || !isJsonObject(schema.properties)) return true;
  return Object.entries(schema.properties).every(([name, property]) => {
    const given = value[name];
    if (!isJsonObject(property) || given === undefined || typeof given === 'object') return true;
    const { const: only, enum: values } = property;
    if (only !== undefined && typeof only !== 'object') return only === given;
    return !Array.isArray(values) || values.includes(given);
  });
}

const typesOf = ({ type }: JsonObject): readonly JsonValue[] => (typeof type === 'string' ? [type] : listOf(type));
const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** A copy of the value with the given places replaced; everything else is shared. */
export function replacePlaces(
  value: JsonValue,
  replacements: readonly { path: readonly string[]; value: JsonValue }[],
): JsonValue {
  return replacements.reduce((result, { path, value: replacement }) => replaceAt(result, path, replacement), value);
}

function replaceAt(value: JsonValue, path: readonly string[], replacement: JsonValue): JsonValue {
  const [token, ...rest] = path;
  if (token === undefined) return replacement;
  if (Array.isArray(value))
    return value.map((item: JsonValue, index) => (String(index) === token ? replaceAt(item, rest, replacement) : item));
  if (!isJsonObject(value)) return value;
  return { ...value, [token]: replaceAt(value[token] ?? null, rest, replacement) };
}
