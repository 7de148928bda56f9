import { isArtifactReference, isJsonObject, type JsonValue, parsePointer } from '@mad/core';
import { digest } from './digest.ts';

/** Longer strings stand in a signature by their digest: escaping 5 MB into JSON costs four times its hash. */
const INLINE_LIMIT = 1024;

/** Ignored places as a tree; `true` ends a pointer. */
type IgnoredPlaces = Map<string, IgnoredPlaces | true>;

/**
 * What of a request decides its answer, as plain JSON. Every artifact reference becomes `{"$artifact": digest}`: the bytes count, not their
 * size, and not their content type, which the interface fixes. A string beyond 1,024 UTF-16 units becomes the same, being the same content
 * handed over inline. Places under an ignored JSON Pointer are left out, indices counted before anything is. Undefined when all is ignored.
 */
export function contentForm(value: JsonValue, ignoredPointers: readonly string[]): JsonValue | undefined {
  const ignored = ignoredPlaces(ignoredPointers);
  return ignored === true ? undefined : fold(value, ignored);
}

function fold(value: JsonValue, ignored: IgnoredPlaces | undefined): JsonValue {
  if (typeof value === 'string') return value.length > INLINE_LIMIT ? { $artifact: digest(value) } : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isArtifactReference(value)) return { $artifact: value.$artifact };
  if (!isJsonObject(value)) {
    return value.flatMap((item, index) => {
      const below = ignored?.get(String(index));
      return below === true ? [] : [fold(item, below)];
    });
  }
  const form: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    const below = ignored?.get(key);
    if (item !== undefined && below !== true) form[key] = fold(item, below);
  }
  return form;
}

function ignoredPlaces(pointers: readonly string[]): IgnoredPlaces | true {
  const root: IgnoredPlaces = new Map();
  for (const pointer of pointers) {
    const tokens = parsePointer(pointer);
    const last = tokens.pop();
    if (last === undefined) return true;
    let places: IgnoredPlaces | true = root;
    for (const token of tokens) {
      if (places === true) break;
      const below: IgnoredPlaces | true = places.get(token) ?? new Map();
      places.set(token, below);
      places = below;
    }
    if (places !== true) places.set(last, true);
  }
  return root;
}
