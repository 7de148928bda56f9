import { findNotPlainJson, type JsonValue } from '@mad/core';
import { NotPlainJsonError } from '../errors.ts';

/** Returns only for plain JSON. @throws {NotPlainJsonError} naming the first place that JSON would lose or change. */
export function assertPlainJson(value: unknown): asserts value is JsonValue {
  const found = findNotPlainJson(value);
  if (found) throw new NotPlainJsonError(found);
}
