import { type RawBuilder, sql } from 'kysely';
import { ValidationFailedError } from '../errors.ts';
import type { JsonValue } from '../json.ts';

// In JSON text that JSON.stringify made: an escape of NUL or of a lone surrogate, not the text `\\u0000` of an escaped backslash.
const UNSTORABLE = /(?<=(?:^|[^\\])(?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/**
 * A JSON value as a jsonb parameter; absent and null stay what they are. Text, so that no driver takes an array for one of PostgreSQL's.
 * @throws {ValidationFailedError} when a text holds NUL or a lone surrogate, which jsonb cannot hold.
 */
export function toJsonb<Value extends JsonValue | undefined>(
  value: Value,
): RawBuilder<NonNullable<Value>> | Extract<Value, null | undefined> {
  if (isNothing(value)) return value;
  return sql`cast(${toJsonText(value as JsonValue)} as jsonb)`;
}

/**
 * JSON text that jsonb takes.
 * @throws {ValidationFailedError} when a text holds NUL or a lone surrogate, which jsonb cannot hold.
 */
export function toJsonText(value: JsonValue): string {
  const text = JSON.stringify(value);
  // Searched for first by what is quick to find: results are large, and hardly any has an escape.
  if (text.includes('\\u') && text.search(UNSTORABLE) >= 0) {
    const issue = {
      pointer: '',
      message: 'expected text without NUL characters and lone surrogates, which jsonb cannot hold',
    };
    throw new ValidationFailedError({ subject: 'JSON value', issues: [issue] });
  }
  return text;
}

/** JSON text that jsonb takes: what it cannot hold becomes U+FFFD. */
export function toCleanJsonText(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.includes('\\u') ? text.replace(UNSTORABLE, '\\ufffd') : text;
}

function isNothing<Value>(value: Value): value is Extract<Value, null | undefined> {
  return value === null || value === undefined;
}
