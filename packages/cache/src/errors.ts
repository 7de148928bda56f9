import { MadError } from '@mad/core';

/**
 * Thrown when a value cannot be signed because it is not plain JSON, or because JSON would lose a part of it. `details.pointer` is the JSON
 * Pointer of the first such place. Convert the value before it is signed: dates and large integers to strings, Map to an object.
 */
export class NotPlainJsonError extends MadError {
  static override readonly code = 'MAD_CACHE_NOT_PLAIN_JSON';
  readonly pointer: string;
  constructor({ pointer, found }: { pointer: string; found: string }) {
    // A key that holds what is refused must not travel on in the message or into a jsonb column.
    const place = pointer.toWellFormed().replaceAll('\0', '\u{fffd}');
    super({
      message: `expected plain JSON at ${place || '(root)'}, got ${found}; convert it before the value is signed`,
      details: { pointer: place, found },
    });
    this.pointer = place;
  }
}
