import { type Kysely, sql } from 'kysely';

/** Looks at what a call did, inside its transaction. */
export type Look = (tx: Kysely<unknown>) => Promise<void>;

interface Undone<Tx> {
  readonly open: (run: (tx: Tx) => Promise<never>) => Promise<unknown>;
  readonly call: (tx: Tx) => unknown;
  readonly look?: Look | undefined;
}

/** Answers with what the call gave, checks that wait for the end of a transaction included, and leaves no trace of it. */
export async function undone<Tx>({ open, call, look }: Undone<Tx>): Promise<unknown> {
  let answer: unknown;
  await open(async (tx) => {
    answer = await call(tx);
    await sql`set constraints all immediate`.execute(tx as Kysely<unknown>);
    await look?.(tx as Kysely<unknown>);
    throw new RolledBack();
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  return answer;
}

class RolledBack extends RangeError {}
