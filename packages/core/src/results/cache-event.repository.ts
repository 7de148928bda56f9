import { withNumbers } from '../postgres/bigint-column.ts';
import type { ResultsDatabase } from './results-database.ts';
import type { CacheEventRow } from './tables/cache-event.table.ts';

const MOST = 1_000;

/** What happened to the entries of one key, newest first; the newest 1,000. */
export async function listCacheEvents(
  db: ResultsDatabase,
  { cacheKey }: { readonly cacheKey: string },
): Promise<readonly CacheEventRow[]> {
  const rows = await db
    .selectFrom('cache_events')
    .selectAll()
    .where('cache_key', '=', cacheKey)
    .orderBy('event_id', 'desc')
    .limit(MOST)
    .execute();
  return rows.map((row) => withNumbers(row, ['event_id']));
}
