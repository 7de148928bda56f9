import { isMadError, ValidationFailedError } from './errors.ts';

/** Reads what came from outside; where reading itself throws – an accessor, a proxy –, that is a fault of the value. @throws {ValidationFailedError} */
export function readPlainly<T>(subject: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isMadError(error)) throw error;
    const message = 'this value throws when it is read; expected plain data';
    throw new ValidationFailedError({ subject, issues: [{ pointer: '', message }] });
  }
}

/** An object with the same properties, each read once; anything else as it is. */
export function copyObject(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : value;
}
