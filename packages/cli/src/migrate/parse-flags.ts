import { isUuid } from '@mad/core';
import { CommandUsageError } from '../errors.ts';

// PostgreSQL cuts longer names silently, so that two of them may become one.
const MAX_NAME_BYTES = 63;

/** A schema's name as it will stand in the database. @throws {CommandUsageError} */
export function parseSchema(text: string): string {
  if (text === '' || Buffer.byteLength(text) > MAX_NAME_BYTES || /^(pg_|information_schema$)/i.test(text)) {
    throw new CommandUsageError({
      option: '--schema',
      expected: `a name of 1 to ${MAX_NAME_BYTES} bytes that is not information_schema and does not begin with pg_`,
      got: JSON.stringify(text),
    });
  }
  return text;
}

/** An organization's id. @throws {CommandUsageError} */
export function parseOrgId(text: string, option = '--org'): string {
  if (!isUuid(text)) {
    throw new CommandUsageError({
      option,
      expected: 'the uuid of an organization, such as 01890a5d-ac96-774b-bcce-b302099a8057',
      got: JSON.stringify(text),
    });
  }
  return text.toLowerCase();
}
