import { PGlite } from '@electric-sql/pglite';
import { citext } from '@electric-sql/pglite/contrib/citext';
import { Kysely, PGliteDialect } from 'kysely';

/** An empty PGlite in memory, with citext. Disposing frees it. */
export function createPgliteDatabase<Tables = unknown>(): AsyncDisposable & { readonly db: Kysely<Tables> } {
  const db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite: new PGlite({ extensions: { citext } }) }) });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}
