import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** The database's time, as text with its microseconds. */
export async function readResultsTime(db: ResultsDatabase): Promise<string> {
  const { rows } = await db.executeQuery<{ now: string }>(CompiledQuery.raw('SELECT now()::text AS now', []));
  return rows[0]?.now ?? '';
}

export interface ListUnverified {
  /** Not those that were verified at this time or later. */
  readonly before: string;
  readonly limit: number;
}

/** Keys of entries in service, those first whose verification is the longest ago. */
export async function listUnverifiedKeys(
  db: ResultsDatabase,
  { before, limit }: ListUnverified,
): Promise<readonly string[]> {
  const text = `SELECT cache_key FROM ${schemaOf(db)}result_cache
WHERE invalidated_at IS NULL AND (verified_at IS NULL OR verified_at < $1::timestamptz) ORDER BY verified_at NULLS FIRST, cache_key LIMIT $2`;
  const { rows } = await db.executeQuery<{ cache_key: string }>(CompiledQuery.raw(text, [before, limit]));
  return rows.map(({ cache_key }) => cache_key);
}

/** Notes that these entries were verified now, whatever was found. */
export async function noteVerified(
  db: ResultsDatabase,
  { cacheKeys }: { readonly cacheKeys: readonly string[] },
): Promise<void> {
  const text = `UPDATE ${schemaOf(db)}result_cache SET verified_at = clock_timestamp() WHERE cache_key = ANY ($1::text[])`;
  await db.executeQuery(CompiledQuery.raw(text, [[...cacheKeys]]));
}
