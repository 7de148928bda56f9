import { sql } from 'kysely';
import type { OperatorTransaction } from './metadata-database.ts';

export interface CountSignInAttempts {
  /** What is counted, such as a digest of the account's address. */
  readonly keys: readonly string[];
  /** How long a count lasts from its first attempt, by the database's clock. */
  readonly windowMs: number;
}

/**
 * Counts one attempt for each key and returns the counts by key. Attempts at once are all counted. Some counts whose window is over are
 * removed on the way, more than were added, so that the table holds what is live.
 */
export async function countSignInAttempts(
  tx: OperatorTransaction,
  { keys, windowMs }: CountSignInAttempts,
): Promise<ReadonlyMap<string, number>> {
  const until = sql<Date>`now() + make_interval(secs => ${windowMs / 1000})`;
  // In one order for all, so that two statements never wait for each other.
  const values = [...new Set(keys)].sort().map((key) => ({ key, attempts: 1, expires_at: until }));
  const rows = await tx
    .insertInto('sign_in_attempts')
    .values(values)
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet({
        attempts: sql`case when sign_in_attempts.expires_at <= now() then 1 else sign_in_attempts.attempts + 1 end`,
        expires_at: sql`case when sign_in_attempts.expires_at <= now() then excluded.expires_at else sign_in_attempts.expires_at end`,
      }),
    )
    .returning(['key', 'attempts'])
    .execute();
  await sql`delete from sign_in_attempts where key in (
    select key from sign_in_attempts where expires_at <= now() order by expires_at limit 10 for update skip locked)`.execute(
    tx,
  );
  return new Map(rows.map((row) => [row.key, row.attempts]));
}

/** Forgets the attempts counted for a key. */
export async function forgetSignInAttempts(tx: OperatorTransaction, { key }: { readonly key: string }): Promise<void> {
  await tx.deleteFrom('sign_in_attempts').where('key', '=', key).execute();
}
