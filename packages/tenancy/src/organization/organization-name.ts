import { isUuid, ValidationFailedError } from '@mad/core';
import { isNameOfDeleted } from './delete-rows.ts';

const MAX_LENGTH = 100;

/**
 * The name as it is kept: composed (NFC), without blanks around it, 1 to 100 characters that can be seen, on one line. No uuid, by which organizations are asked
 * for too, and not what is left as the name of one that was deleted.
 * @throws {ValidationFailedError}
 */
export function parseOrganizationName(name: string): string {
  const kept = name.isWellFormed() ? name.normalize('NFC').trim() : '';
  // Cf: what turns the direction of writing round, or has no width, makes two names look like one.
  if (kept.length === 0 || kept.length > MAX_LENGTH || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(kept))
    throw invalid(`expected 1 to ${MAX_LENGTH} characters without line breaks, control characters or invisible ones`);
  if (isUuid(kept)) throw invalid('expected a name that is not the form of a uuid, which is read as an id');
  if (isNameOfDeleted(kept)) throw invalid('expected a name that does not begin with (deleted)');
  return kept;
}

function invalid(message: string): ValidationFailedError {
  return new ValidationFailedError({ subject: 'organization', issues: [{ pointer: '/name', message }] });
}
