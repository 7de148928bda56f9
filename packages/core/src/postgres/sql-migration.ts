import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A migration of plain SQL, one statement an element: neither the extended protocol nor PGlite takes two at once. */
export function sqlMigration(statements: readonly string[]): Migration {
  return {
    async up(db) {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
