import { ValidationFailedError } from '../errors.ts';

/** One page of a list in keyset order. `nextCursor` is absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

export interface PageRequest {
  /** @default 50, at most 500 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** How many rows the page holds: the limit, brought to 1 to 500. @throws {ValidationFailedError} for what is no number. */
export function pageLimit({ limit = 50 }: PageRequest): number {
  if (typeof limit !== 'number' || Number.isNaN(limit))
    throw new ValidationFailedError({
      subject: 'page',
      issues: [{ pointer: '/limit', message: 'expected a number of rows, 1 to 500' }],
    });
  return Math.min(Math.max(Math.trunc(limit), 1), 500);
}

/** Cuts `pageLimit(request) + 1` rows to a page; `keyOf` gives the columns of the order, as text. */
export function toPage<Row>(
  rows: readonly Row[],
  request: PageRequest,
  keyOf: (row: Row) => readonly string[],
): Page<Row> {
  const limit = pageLimit(request);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') };
}

/** The `keyOf` columns of the last row before this page; undefined for the first page. @throws {ValidationFailedError} for a foreign cursor. */
export function parseCursor({ cursor }: PageRequest, columns: number): readonly string[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(key) && key.length === columns && key.every((part) => typeof part === 'string')) return key;
  } catch {
    // Falls through to the same answer.
  }
  throw new ValidationFailedError({
    subject: 'cursor',
    issues: [{ pointer: '', message: 'expected the nextCursor of an earlier page of this list' }],
  });
}
