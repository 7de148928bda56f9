import type { Kysely } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import type { ResultsTables } from './tables/results-tables.ts';

/** The Results DB in one schema of a database. Every statement made from it names the schema, so the connection's search_path never matters. */
export function openResultsDatabase<Tables>(db: Kysely<Tables>, { schema }: { schema: string }): ResultsDatabase {
  return (db as unknown as Kysely<ResultsTables>).withSchema(schema);
}
