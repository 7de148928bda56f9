import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import type { DatabaseUrl } from './database-url.ts';
import { explainConnectionFailure } from './explain-connection-failure.ts';
import { explainRefusal } from './explain-refusal.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** Runs `use` with a handle on the database, and closes every connection after it. @throws {DatabaseUnreachableError} @throws {DatabaseRefusedError} */
export async function inDatabase<T>(url: DatabaseUrl, use: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
  const pool = new Pool({
    connectionString: url.connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'mad',
    max: 2,
  });
  // Without a listener a connection that breaks while idle would end the process.
  pool.on('error', () => {});
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await sql`select 1`.execute(db).catch((cause: unknown) => {
      throw explainConnectionFailure(url, cause);
    });
    return await use(db).catch((cause: unknown) => {
      throw explainRefusal(url, cause);
    });
  } finally {
    await db.destroy();
  }
}
