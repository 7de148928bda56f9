import { ValidationFailedError } from '../errors.ts';
import { type PageRequest, parseCursor } from '../postgres/page.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const BEYOND_ALL_IDS = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const NO_ID = '00000000-0000-0000-0000-000000000000';

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** The id to look for: what is no uuid names no row, instead of ending the transaction with a syntax error. */
export function rowId(id: string): string {
  return isUuid(id) ? id : NO_ID;
}

/** The id that every row of the page lies below: lists are ordered by their UUIDv7 primary key, newest first. */
export function idBeforePage(request: PageRequest): string {
  const [id = BEYOND_ALL_IDS] = parseCursor(request, 1) ?? [];
  if (isUuid(id)) return id;
  throw new ValidationFailedError({
    subject: 'cursor',
    issues: [{ pointer: '', message: 'expected the nextCursor of an earlier page of this list' }],
  });
}
