import canonicalize from 'canonicalize';
import { NotPlainJsonError } from '../errors.ts';
import { assertPlainJson } from './plain-json.ts';

/**
 * The one JSON text of a value (RFC 8785): equal values give equal text whatever their key order or number spelling, and −0 is 0. Stands behind
 * a strict gate, because the form is defined for plain JSON only.
 * @throws {NotPlainJsonError} naming the first place that JSON would lose or change.
 */
export function canonicalJson(value: unknown): string {
  assertPlainJson(value);
  const text = canonicalize(value);
  if (text === undefined) throw new NotPlainJsonError({ pointer: '', found: 'undefined' });
  return text;
}
