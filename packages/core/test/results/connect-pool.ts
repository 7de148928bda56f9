import { Kysely, PostgresDialect } from 'kysely';
import { Pool, type PoolConfig } from 'pg';

/** A pool of the test's own. Dropping its database ends connections that are still closing: that is no failure. */
export function connectPool(config: PoolConfig): AsyncDisposable & { readonly db: Kysely<unknown> } {
  const pool = new Pool(config);
  pool.on('error', () => {});
  pool.on('connect', (client) => void client.on('error', () => {}));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}
