import { ValidationFailedError } from '../errors.ts';

const FORM = /^(?=.{3,320}$)[!-?A-~]+@[!-?A-~]+$/;

/**
 * True for an e-mail address as users have them here: printable ASCII, at most 320 characters. Which other letters are the same without their case depends on
 * the database's locale: two addresses there could lead to one account.
 */
export function isEmailAddress(value: unknown): value is string {
  return typeof value === 'string' && FORM.test(value);
}

/** @throws {ValidationFailedError} */
export function requireEmailAddress(value: unknown): void {
  if (isEmailAddress(value)) return;
  const message = 'expected an e-mail address of printable ASCII characters, at most 320';
  throw new ValidationFailedError({ subject: 'user', issues: [{ pointer: '/email', message }] });
}
