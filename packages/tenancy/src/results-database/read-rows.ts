import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely';

/** A row as PostgreSQL writes it in JSON: exact for every type, and never parsed on its way. */
export interface RowText {
  /** The table it is of. */
  readonly part: string;
  /** One line. */
  readonly line: string;
}

const MAX_ROWS = 500;
const MAX_CHARACTERS = 2_000_000;

/**
 * Reads what the query gives batch by batch, by a cursor of this transaction: as it was when the reading began, in memory that does not grow with
 * it. The query selects `part` and `line`.
 */
export async function* readRows(
  tx: QueryExecutorProvider,
  query: RawBuilder<unknown>,
): AsyncGenerator<readonly RowText[]> {
  await sql`declare mad_rows no scroll cursor for ${query}`.execute(tx);
  let limit = 50;
  for (;;) {
    const { rows } = await sql<RowText>`fetch forward ${sql.raw(String(limit))} from mad_rows`.execute(tx);
    if (rows.length === 0) break;
    yield rows;
    // Rows of a megabyte come beside rows of a hundred bytes.
    const characters = rows.reduce((sum, { line }) => sum + line.length, 0);
    if (characters > MAX_CHARACTERS) limit = Math.max(1, Math.floor(limit / 4));
    else if (characters < MAX_CHARACTERS / 4) limit = Math.min(MAX_ROWS, limit * 2);
  }
  await sql`close mad_rows`.execute(tx);
}
