import {
  findByPointer,
  isJsonObject,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  matchesPattern,
} from '@mad/core';
import { listSubschemas, mapSubschemas } from './subschemas.ts';

/** A place in a value where its schema puts a file. */
export interface FilePlace {
  /** Property names and array indexes from the root to the place. */
  readonly path: readonly string[];
  readonly contentType: string;
  /** True when the text is base64 of the file's bytes (`contentEncoding: base64`); otherwise it is the file, in UTF-8. */
  readonly base64: boolean;
  /** True when the service is given, or gives, the address of the file (`format: uri`) in place of the file. */
  readonly byAddress: boolean;
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
  if (!holdsFiles(root)) return [];
  const places: FilePlace[] = [];

  // All schemas of a place at once: one by one, branches that lead to the same members would multiply with every level of the value.
  function visit(schemas: readonly (JsonValue | undefined)[], at: { value: JsonValue; path: readonly string[] }): void {
    const meant = listMeant(root, schemas, at.value);
    const file = meant.findLast(isFileSchema);
    if (file) places.push(toPlace(file, at));
    const others = meant.filter((schema) => !isFileSchema(schema));
    if (Array.isArray(at.value)) {
      at.value.forEach((item: JsonValue, index) => {
        const inner = others.map(({ prefixItems, items }) => listOf(prefixItems)[index] ?? items);
        visit(inner, { value: item, path: [...at.path, String(index)] });
      });
    } else if (isJsonObject(at.value)) {
      for (const [name, member] of Object.entries(at.value)) {
        if (member === undefined) continue;
        const inner = others.flatMap((schema) => schemasOf(schema, name));
        visit(inner, { value: member, path: [...at.path, name] });
      }
    }
  }

  visit([root], { value, path: [] });
  return places;
}

const known = new WeakMap<object, boolean>();

/** False for most schemas: then no value need be looked through. */
export function holdsFiles(root: JsonSchema): boolean {
  if (typeof root === 'boolean') return false;
  const look = (schema: JsonSchema): boolean =>
    typeof schema !== 'boolean' && (isFileSchema(schema) || listSubschemas(schema).some(look));
  const found = known.get(root) ?? look(root);
  known.set(root, found);
  return found;
}

function toPlace(
  { contentMediaType, contentEncoding, format }: JsonObject,
  { value, path }: { value: JsonValue; path: readonly string[] },
): FilePlace {
  const contentType = typeof contentMediaType === 'string' ? contentMediaType : 'application/octet-stream';
  const byAddress = format === 'uri' || format === 'uri-reference';
  return { path, contentType, base64: contentEncoding === 'base64', byAddress, value };
}

/** The given schemas and those they hand the same value on to, each once; none behind one that cannot mean it. */
function listMeant(root: JsonSchema, schemas: readonly (JsonValue | undefined)[], value: JsonValue): JsonObject[] {
  const meant = new Set<JsonObject>();
  const stack = schemas.toReversed();
  while (stack.length > 0) {
    const schema = stack.pop();
    if (!isJsonObject(schema) || meant.has(schema) || !mayMean(schema, value)) continue;
    meant.add(schema);
    if (isFileSchema(schema)) continue;
    const { $ref, allOf, anyOf, oneOf, then, else: otherwise } = schema;
    const target = typeof $ref === 'string' && isJsonObject(root) ? findByPointer(root, $ref.slice(1)) : undefined;
    const next = [target, ...listOf(allOf), ...listOf(anyOf), ...listOf(oneOf), then, otherwise];
    stack.push(...next.reverse());
  }
  return [...meant];
}

function schemasOf(schema: JsonObject, name: string): JsonValue[] {
  const found: JsonValue[] = [];
  const { properties, patternProperties, additionalProperties } = schema;
  if (isJsonObject(properties) && Object.hasOwn(properties, name)) found.push(properties[name] ?? true);
  if (isJsonObject(patternProperties)) {
    for (const [pattern, inner] of Object.entries(patternProperties))
      if (matchesPattern(pattern, name)) found.push(inner ?? true);
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
  if (replacements.length === 0) return value;
  const root: Node = { children: new Map() };
  for (const { path, value: replacement } of replacements) {
    let node = root;
    for (const token of path) {
      const next = node.children.get(token) ?? { children: new Map() };
      node.children.set(token, next);
      node = next;
    }
    node.replacement = { value: replacement };
  }
  return replaceIn(value, root);
}

/** What is to be replaced in a value, by the way to it: each level is copied once, however much is replaced in it. */
interface Node {
  readonly children: Map<string, Node>;
  replacement?: { readonly value: JsonValue };
}

function replaceIn(value: JsonValue, { children, replacement }: Node): JsonValue {
  if (replacement) return replacement.value;
  const inner = (item: JsonValue | undefined, token: string): JsonValue => {
    const node = children.get(token);
    return node ? replaceIn(item ?? null, node) : (item ?? null);
  };
  if (Array.isArray(value)) return value.map((item: JsonValue, index) => inner(item, String(index)));
  if (!isJsonObject(value)) return value;
  return { ...value, ...Object.fromEntries([...children.keys()].map((token) => [token, inner(value[token], token)])) };
}
