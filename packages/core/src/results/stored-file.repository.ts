import { CompiledQuery, sql } from 'kysely';
import { prepared } from '../postgres/prepared-statements.ts';
import { findSqlState, SQLSTATE } from '../postgres/sqlstate.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/**
 * How many bytes the files are that jobs were given and made, each counted once; what was uploaded and no job was given is not among them. Undefined
 * while the database is of the version before files were counted. Not inside a transaction.
 */
export function readStoredBytes(db: ResultsDatabase): Promise<number | undefined> {
  return whereCounted(async () => {
    const text = prepared(`SELECT coalesce(sum(bytes), 0)::float8 AS bytes FROM ${schemaOf(db)}storage_usage`);
    const { rows } = await db.executeQuery<{ bytes: number }>(CompiledQuery.raw(text));
    return rows[0]?.bytes ?? 0;
  });
}

/** Counts files no more that are deleted from the artifact store. A job that is given one of them anew counts it again. Not inside a transaction. */
export async function forgetStoredFiles(
  db: ResultsDatabase,
  { digests }: { readonly digests: readonly string[] },
): Promise<void> {
  if (digests.length === 0) return;
  await whereCounted(() => db.deleteFrom('stored_files').where('digest', 'in', digests).execute());
}

/** Counts files that rows name and that are not counted yet: where rows were put in without their triggers. */
export async function countStoredFiles(db: ResultsDatabase): Promise<void> {
  await sql`select ${sql.raw(schemaOf(db))}mad_count_stored_files()`.execute(db);
}

async function whereCounted<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (findSqlState(error) === SQLSTATE.undefinedTable) return undefined;
    throw error;
  }
}
