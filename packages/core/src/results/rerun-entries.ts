import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** A job of which a hit was sampled: it is to be computed again, and its results compared. */
export interface SampledJob {
  readonly job_id: string;
  /** The first of its marks, microseconds since 1970: each mark is answered by one job. */
  readonly marked_at: string;
  readonly cache_keys: readonly string[];
}

/** Jobs with entries that are marked and served, those marked first. */
export async function listSampledJobs(
  db: ResultsDatabase,
  { limit }: { readonly limit: number },
): Promise<readonly SampledJob[]> {
  const text = `SELECT canonical_job_id::text AS job_id, (extract(epoch FROM min(rerun_wanted_at)) * 1000000)::bigint::text AS marked_at,
  array_agg(cache_key ORDER BY cache_key) AS cache_keys
FROM ${schemaOf(db)}result_cache WHERE rerun_wanted_at IS NOT NULL AND invalidated_at IS NULL
GROUP BY canonical_job_id ORDER BY min(rerun_wanted_at), canonical_job_id LIMIT $1`;
  const { rows } = await db.executeQuery<SampledJob>(CompiledQuery.raw(text, [limit]));
  return rows;
}

/** Takes the marks off these entries. */
export async function clearSampled(
  db: ResultsDatabase,
  { cacheKeys }: { readonly cacheKeys: readonly string[] },
): Promise<void> {
  const text = `UPDATE ${schemaOf(db)}result_cache SET rerun_wanted_at = NULL WHERE cache_key = ANY ($1::text[])`;
  await db.executeQuery(CompiledQuery.raw(text, [[...cacheKeys]]));
}
