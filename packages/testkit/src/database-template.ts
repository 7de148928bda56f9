import type { Kysely } from 'kysely';

/** How a kind of test database is filled; made once per run and cloned for every test file. */
export interface DatabaseTemplate<Tables> {
  /** Letters, digits and underscores; the same name must always mean the same content. */
  readonly name: string;
  readonly fill: (db: Kysely<Tables>) => Promise<unknown>;
}
