import { CompiledQuery } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A migration that runs these statements one by one. They carry no parameters, so a dry run prints exactly what a run executes. */
export function statements(list: readonly string[]): Migration {
  return {
    async up(db) {
      for (const statement of list) await db.executeQuery(CompiledQuery.raw(statement));
    },
  };
}
