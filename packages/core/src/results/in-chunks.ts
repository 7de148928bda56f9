// A statement takes 65,535 parameters; no row of ours has more than 30.
const ROWS = 2_000;

/** Passes the rows on in parts small enough for one statement each, one after the other. */
export async function inChunks<Row>(
  rows: readonly Row[],
  insert: (part: readonly Row[]) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS) await insert(rows.slice(from, from + ROWS));
}
