import { findByPointer, isJsonObject, type JsonObject, parsePointer } from '../json.ts';
import type { JsonSchema } from './json-schema.ts';

export interface Subschema {
  readonly schema: JsonObject;
  /** Every object on the way requires the property, so the value is always there. */
  readonly always: boolean;
}

/**
 * The schema of the place a JSON Pointer names inside values of `schema`. `undefined`: the schema excludes that place.
 * `unknown`: it cannot be told from the schema alone (combinators, open objects).
 */
export function findSubschema(root: JsonSchema, pointer: string): Subschema | 'unknown' | undefined {
  let at = follow(root, root);
  let always = true;
  for (const token of parsePointer(pointer)) {
    if (at === undefined || isOpaque(at)) return 'unknown';
    const properties = isJsonObject(at.properties) ? at.properties : {};
    const next = Object.hasOwn(properties, token) ? properties[token] : undefined;
    if (next !== undefined) {
      always &&= Array.isArray(at.required) && at.required.includes(token);
      at = follow(root, next);
    } else if (isJsonObject(at.items) && /^\d+$/.test(token)) {
      always = false;
      at = follow(root, at.items);
    } else return isClosed(at) ? undefined : 'unknown';
  }
  return at === undefined || isOpaque(at) ? 'unknown' : { schema: at, always };
}

function follow(root: JsonSchema, schema: unknown): JsonObject | undefined {
  let at = schema;
  for (let hops = 0; isJsonObject(at) && typeof at.$ref === 'string'; hops++) {
    if (hops === 32 || !isJsonObject(root)) return undefined;
    at = findByPointer(root, decodeURIComponent(at.$ref.slice(1)));
  }
  return isJsonObject(at) ? at : undefined;
}

const isOpaque = (schema: JsonObject): boolean =>
  ['anyOf', 'oneOf', 'allOf', 'not', 'if', 'patternProperties'].some((key) => key in schema);

/** An object that names its properties and says nothing of others: a name it does not have is taken for a slip, not for a wish. */
function isClosed({ properties, additionalProperties, unevaluatedProperties }: JsonObject): boolean {
  if (additionalProperties === false || unevaluatedProperties === false) return true;
  return additionalProperties === undefined && isJsonObject(properties) && Object.keys(properties).length > 0;
}
