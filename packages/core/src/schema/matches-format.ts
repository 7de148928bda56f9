import { fullFormats } from 'ajv-formats/dist/formats.js';
import { isJsonObject, type JsonValue } from '../json.ts';

/** Beyond this the expressions of some formats take too long. */
const MAX_LENGTH = 2_000;

/** True for a format that values are checked against; others are remarks. */
export function isKnownFormat(format: string): boolean {
  return Object.hasOwn(fullFormats, format);
}

/** Whether a value is of a format, as the validator decides it: values of another type are, and so is everything where it knows no such format. */
export function matchesFormat(format: string, value: JsonValue): boolean | undefined {
  const known: unknown = isKnownFormat(format) ? fullFormats[format as keyof typeof fullFormats] : true;
  const { validate, type = 'string' } = isChecked(known) ? known : { validate: known };
  if (typeof value !== type || validate === true) return true;
  if (typeof value === 'string' && value.length > MAX_LENGTH) return undefined;
  if (validate instanceof RegExp) return validate.test(String(value));
  return typeof validate === 'function' ? validate(value) === true : undefined;
}

function isChecked(format: unknown): format is { readonly validate: unknown; readonly type?: string } {
  return isJsonObject(format) && 'validate' in format;
}
