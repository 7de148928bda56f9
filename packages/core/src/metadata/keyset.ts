import { ValidationFailedError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { type PageRequest, parseCursor } from '../postgres/page.ts';

const BEYOND_ALL_IDS = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The id that every row of the page lies below: lists are ordered by their UUIDv7 primary key, newest first. */
export function idBeforePage(request: PageRequest): string {
  const [id = BEYOND_ALL_IDS] = parseCursor(request, 1) ?? [];
  if (isUuid(id)) return id;
  throw new ValidationFailedError({
    subject: 'cursor',
    issues: [{ pointer: '', message: 'expected the nextCursor of an earlier page of this list' }],
  });
}
