import { ValidationFailedError } from '@mad/core';

const MAX_LENGTH = 100;

/** The name as it is kept: composed (NFC), without blanks around it, 1 to 100 characters on one line. @throws {ValidationFailedError} */
export function parseOrganizationName(name: string): string {
  const kept = name.isWellFormed() ? name.normalize('NFC').trim() : '';
  if (kept.length === 0 || kept.length > MAX_LENGTH || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(kept)) {
    const issue = {
      pointer: '/name',
      message: `expected 1 to ${MAX_LENGTH} characters without line breaks or control characters`,
    };
    throw new ValidationFailedError({ subject: 'organization', issues: [issue] });
  }
  return kept;
}
