import { findNotPlainJson } from '@mad/core';
import { NotPlainJsonError } from '../errors.ts';
import { CanonicalWriter } from './canonical-writer.ts';

const writer = new CanonicalWriter();

/**
 * The one JSON text of a value (RFC 8785): equal values give equal text whatever their key order or number spelling, and −0 is 0. Stands behind
 * a strict gate, because the form is defined for plain JSON only.
 * @throws {NotPlainJsonError} naming the first place that JSON would lose or change.
 */
export function canonicalJson(value: unknown): string {
  return writer.write(value) ?? refuse(value);
}

/** The writer stops without a word where it is; the second walk finds the place. @throws {NotPlainJsonError} always */
export function refuse(value: unknown): never {
  throw new NotPlainJsonError(
    findNotPlainJson(value) ?? {
      pointer: '',
      found: 'a value of more than 512 MB of JSON, or one that is not the same when read again',
    },
  );
}
