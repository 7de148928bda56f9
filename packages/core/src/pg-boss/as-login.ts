import { sql } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { AnyKysely, BossDatabase } from './boss-database.ts';

/**
 * Lends the transaction to pg-boss. Its tables belong to the login and are none of the roles' business: the transaction's role is put aside for
 * that long and taken again afterwards. Nothing else may use the transaction meanwhile.
 */
export async function asLogin<T>(tx: AnyKysely, run: (db: BossDatabase) => Promise<T>): Promise<T> {
  const { rows } = await sql<{ role: string }>`
    with before as materialized (select current_setting('role') as role)
    select role, set_config('role', 'none', true) from before`.execute(tx);
  const restore = () => sql`select set_config('role', ${rows[0]?.role ?? 'none'}, true)`.execute(tx);
  let result: T;
  try {
    result = await run(fromKysely(tx));
  } catch (error) {
    // Fails where the statement ended the transaction. Where it did not, whoever goes on must not do so as the login.
    await restore().catch(() => {});
    throw error;
  }
  await restore();
  return result;
}
