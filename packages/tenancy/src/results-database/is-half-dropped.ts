import { type Kysely, sql } from 'kysely';

/**
 * Whether a server died while it dropped this database: PostgreSQL has marked it then, connects nobody to it, takes no copy of it and lets
 * nobody alter it; what was in it is lost, and dropping it once more ends it. False where there is no such database.
 */
export async function isHalfDropped<Tables>(db: Kysely<Tables>, database: string): Promise<boolean> {
  const { rows } = await sql`select from pg_database where datname = ${database} and datconnlimit = -2`.execute(db);
  return rows.length > 0;
}
