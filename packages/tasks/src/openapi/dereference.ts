import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { TaskDocumentInvalidError } from '../errors.ts';

const MAX_HOPS = 32;

/** The JSON Pointer behind a `$ref` into the same document, its percent-encoding undone. */
export function refPointer(ref: string): string {
  try {
    return decodeURIComponent(ref.slice(1));
  } catch {
    return ref.slice(1);
  }
}

/** The object itself, or what its `$ref` leads to. @throws {TaskDocumentInvalidError} when the reference leads nowhere or round in a circle. */
export function dereference(document: JsonObject, value: JsonValue | undefined): JsonObject | undefined {
  let at = value;
  for (let hops = 0; isJsonObject(at) && typeof at.$ref === 'string'; hops++) {
    const pointer = refPointer(at.$ref);
    if (hops === MAX_HOPS)
      throw new TaskDocumentInvalidError({ pointer, reason: 'the references lead round in a circle' });
    at = findByPointer(document, pointer);
    if (at === undefined)
      throw new TaskDocumentInvalidError({ pointer, reason: 'a $ref leads here, but nothing is here' });
  }
  return isJsonObject(at) ? at : undefined;
}
