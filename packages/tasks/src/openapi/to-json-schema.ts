import { findByPointer, isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import { dereference, refPointer } from './dereference.ts';
import { refuseEndlessSchema } from './refuse-endless-schema.ts';
import { mapSubschemas } from './subschemas.ts';

// A schema is compiled as a whole, by every process that uses it, which takes a second at this size.
const MAX_SCHEMAS = 2_000;

// What is carried over; the rest either means nothing to validation (xml, discriminator, externalDocs …) or moves the base of references ($id …).
const KEPT = new Set(
  `type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains
  minContains maxProperties minProperties required dependentRequired format contentMediaType contentEncoding title description default deprecated readOnly
  writeOnly examples additionalProperties unevaluatedProperties unevaluatedItems items contains propertyNames not if then else allOf anyOf oneOf prefixItems
  properties patternProperties dependentSchemas`.split(/\s+/),
);

/**
 * A schema object of an OpenAPI document as one self-contained JSON Schema of dialect 2020-12: what its references lead to is carried along under
 * `$defs`, cycles included. Schemas of 3.0 are translated (`nullable`, boolean `exclusiveMinimum`, `example`, keywords beside `$ref` ignored).
 * What is `readOnly` need not be in a request, what is `writeOnly` not in an answer. A `discriminator` becomes what it says of each alternative.
 * @throws {TaskDocumentInvalidError} when a reference leads nowhere, or in a circle without coming to a property or an item.
 * @throws {TaskDocumentRefusedError} when it is too much to hold values against.
 */
export function toJsonSchema(
  document: JsonObject,
  schema: JsonValue | undefined,
  direction: Direction = 'request',
): JsonSchema {
  const conversion = createConversion(document, direction);
  let root = conversion.convert(asSchema(schema, ''));
  conversion.convertTargets();
  const { defs } = conversion;
  refuseEndlessSchema(isJsonObject(root) ? { ...root, $defs: defs } : root, conversion.pointerOf);
  // A schema that is nothing but a reference would hide its properties from whoever looks at its first level.
  for (
    let hops = 0;
    hops < 32 && isJsonObject(root) && typeof root.$ref === 'string' && Object.keys(root).length === 1;
    hops++
  ) {
    root = asSchema(findByPointer({ $defs: defs }, root.$ref.slice(1)), root.$ref);
  }
  if (typeof root === 'boolean' || Object.keys(defs).length === 0) return root;
  return { ...root, $defs: defs };
}

/** Which way a value goes. */
export type Direction = 'request' | 'answer';

interface Conversion {
  readonly defs: Readonly<Record<string, JsonSchema>>;
  convert(schema: JsonSchema): JsonSchema;
  /** Fills `defs` with every schema that a converted reference leads to. */
  convertTargets(): void;
  /** Where in the document the target of a converted reference stands. */
  pointerOf(ref: string): string;
}

function createConversion(document: JsonObject, direction: Direction): Conversion {
  const is30 = String(document.openapi).startsWith('3.0');
  const names = new Map<string, string>();
  const pointers = new Map<string, string>();
  let converted = 0;
  const defs: Record<string, JsonSchema> = {};

  function nameOf(pointer: string): string {
    const known = names.get(pointer);
    if (known !== undefined) return known;
    const base = pointer.replace(/^\/components\/schemas\//, '').replaceAll(/[^A-Za-z0-9._-]+/g, '_');
    let name = base;
    for (let count = 2; pointers.has(name); count++) name = `${base}_${count}`;
    names.set(pointer, name);
    pointers.set(name, pointer);
    return name;
  }

  function convert(schema: JsonSchema): JsonSchema {
    if (++converted > MAX_SCHEMAS)
      throw new TaskDocumentRefusedError({
        pointer: '',
        reason: `its request or response is made of more than ${MAX_SCHEMAS} schemas`,
        hint: 'describe less of it',
      });
    if (typeof schema === 'boolean') return schema;
    const ref = typeof schema.$ref === 'string' ? { $ref: `#/$defs/${nameOf(refPointer(schema.$ref))}` } : undefined;
    if (ref && is30) return ref;
    const own = is30 ? translate30(schema) : schema;
    const kept = Object.fromEntries(Object.entries(own).filter(([key]) => KEPT.has(key) || key.startsWith('x-')));
    const meant = withoutTheirs(document, withType(kept), direction);
    const inner = mapSubschemas(is30 ? allowNull(meant, schema) : meant, convert);
    return { ...ref, ...discriminate(document, { schema: own, converted: inner }) };
  }

  return {
    defs,
    convert,
    pointerOf: (ref) => pointers.get(ref.replace('#/$defs/', '')) ?? '',
    convertTargets() {
      // The map grows while its targets' own references are met; iteration reaches those too.
      for (const [pointer, name] of names) defs[name] = convert(asSchema(findByPointer(document, pointer), pointer));
    },
  };
}

/** Schema Object of OpenAPI 3.0.3: a dialect of its own, close to JSON Schema draft 5. */
function translate30(schema: JsonObject): JsonObject {
  const { exclusiveMinimum, exclusiveMaximum, example, ...rest } = schema;
  const translated: Record<string, JsonValue | undefined> = { ...rest };
  if (exclusiveMinimum === true && typeof rest.minimum === 'number') {
    translated.exclusiveMinimum = rest.minimum;
    delete translated.minimum;
  }
  if (exclusiveMaximum === true && typeof rest.maximum === 'number') {
    translated.exclusiveMaximum = rest.maximum;
    delete translated.maximum;
  }
  if (example !== undefined) translated.examples = [example];
  return translated;
}

function allowNull(converted: JsonObject, { nullable }: JsonObject): JsonObject {
  if (nullable !== true) return converted;
  const { type, enum: values } = converted;
  if (typeof type !== 'string') return { anyOf: [converted, { type: 'null' }] };
  const withNull = Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {};
  return { ...converted, type: [type, 'null'], ...withNull };
}

/** What has a media type is text or bytes, also where that is not said. Schemas of 3.0 have no word for it of their own, and say `x-mad-file`. */
function withType(schema: JsonObject): JsonObject {
  const { type = 'string', contentMediaType = schema['x-mad-file'] } = schema;
  return typeof contentMediaType === 'string' ? { ...schema, type, contentMediaType } : schema;
}

/** `required` without the properties that only the other side sends. */
function withoutTheirs(document: JsonObject, schema: JsonObject, direction: Direction): JsonObject {
  const { properties, required } = schema;
  if (!isJsonObject(properties) || !Array.isArray(required)) return schema;
  const mark = direction === 'request' ? 'readOnly' : 'writeOnly';
  const isTheirs = (name: JsonValue): boolean =>
    typeof name === 'string' && dereference(document, properties[name])?.[mark] === true;
  return required.some(isTheirs) ? { ...schema, required: required.filter((name) => !isTheirs(name)) } : schema;
}

/** Each alternative with the names that choose it: those of `mapping`, else the last part of its reference. */
function discriminate(
  document: JsonObject,
  { schema, converted }: { readonly schema: JsonObject; readonly converted: JsonObject },
): JsonObject {
  const { discriminator } = schema;
  const property = isJsonObject(discriminator) ? discriminator.propertyName : undefined;
  const key = ['oneOf', 'anyOf'].find((name) => Array.isArray(schema[name]));
  const branches = key === undefined ? undefined : converted[key];
  if (!isJsonObject(discriminator) || typeof property !== 'string' || key === undefined || !Array.isArray(branches))
    return converted;
  const mapping = Object.entries(isJsonObject(discriminator.mapping) ? discriminator.mapping : {});
  const refs = (schema[key] as readonly JsonValue[]).map((branch) => (isJsonObject(branch) ? branch.$ref : undefined));
  const chosen = branches.map((branch: JsonValue, index) => {
    const ref = refs[index];
    if (typeof ref !== 'string' || !isJsonObject(branch)) return branch;
    const named = mapping.filter(([, target]) => toRef(document, target) === ref).map(([name]) => name);
    const names = named.length > 0 ? named : [ref.slice(ref.lastIndexOf('/') + 1)];
    return { ...branch, properties: { [property]: { enum: names } }, required: [property] };
  });
  return { ...converted, [key]: chosen };
}

/** A target of a mapping may be a reference, or the name of a schema. */
function toRef(document: JsonObject, target: JsonValue | undefined): string | undefined {
  if (typeof target !== 'string') return undefined;
  const byName = `#/components/schemas/${target}`;
  return findByPointer(document, byName.slice(1)) === undefined ? target : byName;
}

function asSchema(value: JsonValue | undefined, pointer: string): JsonSchema {
  if (isJsonObject(value) || typeof value === 'boolean') return value;
  throw new TaskDocumentInvalidError({ pointer, reason: 'a schema is expected here' });
}
