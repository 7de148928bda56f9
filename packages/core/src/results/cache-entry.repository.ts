import { sql } from 'kysely';
import { withNumbers } from '../postgres/bigint-column.ts';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import type { CacheEntryRow, NewCacheEntryRow } from './tables/cache-entry.table.ts';
import { toJsonb } from './to-jsonb.ts';

const BIGINTS = ['compute_ms', 'size_bytes'] as const;

/** The entry as it stands, whether or not it may be served: expiry, invalidation and confidence are for the caller to judge. */
export async function findCacheEntry(
  db: ResultsDatabase,
  { cacheKey }: { cacheKey: string },
): Promise<CacheEntryRow | undefined> {
  const row = await db.selectFrom('result_cache').selectAll().where('cache_key', '=', cacheKey).executeTakeFirst();
  return row && withNumbers(row, BIGINTS);
}

/** The entries of many keys in one statement, in no order; keys without an entry are left out. */
export async function findCacheEntries(
  db: ResultsDatabase,
  { cacheKeys }: { cacheKeys: readonly string[] },
): Promise<readonly CacheEntryRow[]> {
  if (cacheKeys.length === 0) return [];
  const rows = await db.selectFrom('result_cache').selectAll().where('cache_key', '=', anyOf(cacheKeys)).execute();
  return rows.map((row) => withNumbers(row, BIGINTS));
}

/** An entry as its maker knows it; hits, times and invalidation are not its to set. */
export type UpsertCacheEntry = Omit<
  NewCacheEntryRow,
  'hit_count' | 'last_used_at' | 'created_at' | 'invalidated_at' | 'invalidated_reason'
>;

/**
 * Writes the entry where there is none, or replaces one that is invalidated, expired or of lower confidence; true when the entry is now the
 * given one. A result that is not scored never replaces a scored one that still holds. A replaced entry keeps its `hit_count` and, unless given, its pin.
 */
export async function upsertCacheEntry(tx: ResultsTransaction, entry: UpsertCacheEntry): Promise<boolean> {
  const written = await tx
    .insertInto('result_cache')
    .values({
      ...entry,
      artifact_map: toJsonb(entry.artifact_map),
      metrics_summary: toJsonb(entry.metrics_summary),
      key_components: toJsonb(entry.key_components),
      producer: toJsonb(entry.producer),
    })
    .onConflict((conflict) =>
      conflict
        .column('cache_key')
        .doUpdateSet((eb) => ({
          pipeline_version: eb.ref('excluded.pipeline_version'),
          task_name: eb.ref('excluded.task_name'),
          canonical_job_id: eb.ref('excluded.canonical_job_id'),
          confidence_score: eb.ref('excluded.confidence_score'),
          artifact_map: eb.ref('excluded.artifact_map'),
          metrics_summary: eb.ref('excluded.metrics_summary'),
          key_components: eb.ref('excluded.key_components'),
          producer: eb.ref('excluded.producer'),
          input_signature: eb.ref('excluded.input_signature'),
          compute_ms: eb.ref('excluded.compute_ms'),
          size_bytes: eb.ref('excluded.size_bytes'),
          expires_at: eb.ref('excluded.expires_at'),
          ...(entry.pinned !== undefined && { pinned: entry.pinned }),
          created_at: sql<Date>`now()`,
          last_used_at: sql<Date>`now()`,
          invalidated_at: null,
          invalidated_reason: null,
        }))
        .where((eb) =>
          eb.or([
            eb('result_cache.invalidated_at', 'is not', null),
            eb('result_cache.expires_at', '<=', sql<Date>`now()`),
            eb('excluded.confidence_score', '>', eb.ref('result_cache.confidence_score')),
            eb.and([eb('result_cache.confidence_score', 'is', null), eb('excluded.confidence_score', 'is not', null)]),
          ]),
        ),
    )
    .returning('cache_key')
    .executeTakeFirst();
  return written !== undefined;
}

/** Counts a hit on each of these entries. */
export async function touchCacheEntries(
  db: ResultsDatabase,
  { cacheKeys }: { cacheKeys: readonly string[] },
): Promise<void> {
  if (cacheKeys.length === 0) return;
  await db
    // Locked in one order: two callers with the same keys cannot lock each other out for ever.
    .with('hit', (cte) =>
      cte
        .selectFrom('result_cache')
        .select('cache_key')
        .where('cache_key', '=', anyOf(cacheKeys))
        .orderBy('cache_key')
        .forNoKeyUpdate(),
    )
    .updateTable('result_cache')
    .set({ hit_count: sql<number>`hit_count + 1`, last_used_at: sql<Date>`now()` })
    .where('cache_key', 'in', (eb) => eb.selectFrom('hit').select('hit.cache_key'))
    .execute();
}

/** Keeps the entry for the record but bars it from being served; any new result replaces it. False when there is none or it is barred already. */
export async function invalidateCacheEntry(
  db: ResultsDatabase,
  { cacheKey, reason }: { readonly cacheKey: string; readonly reason: string },
): Promise<boolean> {
  const row = await db
    .updateTable('result_cache')
    .set({ invalidated_at: sql<Date>`now()`, invalidated_reason: reason })
    .where('cache_key', '=', cacheKey)
    .where('invalidated_at', 'is', null)
    .returning('cache_key')
    .executeTakeFirst();
  return row !== undefined;
}

/** What to change of an entry; what is left out stays. */
export interface UpdateCacheEntry {
  readonly cacheKey: string;
  readonly pinned?: boolean | undefined;
  /** Null: never expires. */
  readonly expiresAt?: Date | null | undefined;
}

/** Pins an entry or sets when it expires; undefined when there is none. */
export async function updateCacheEntry(
  db: ResultsDatabase,
  { cacheKey, pinned, expiresAt }: UpdateCacheEntry,
): Promise<CacheEntryRow | undefined> {
  if (pinned === undefined && expiresAt === undefined) return findCacheEntry(db, { cacheKey });
  const row = await db
    .updateTable('result_cache')
    .set({ pinned, expires_at: expiresAt })
    .where('cache_key', '=', cacheKey)
    .returningAll()
    .executeTakeFirst();
  return row && withNumbers(row, BIGINTS);
}

/** Deletes an entry for good; false when there was none. */
export async function deleteCacheEntry(db: ResultsDatabase, { cacheKey }: { cacheKey: string }): Promise<boolean> {
  const row = await db
    .deleteFrom('result_cache')
    .where('cache_key', '=', cacheKey)
    .returning('cache_key')
    .executeTakeFirst();
  return row !== undefined;
}

/** Which entries to list; filters are joined by "and". */
export interface ListCacheEntries extends PageRequest {
  readonly taskName?: string | undefined;
  readonly canonicalJobId?: string | undefined;
  readonly pinned?: boolean | undefined;
}

/** In the order of their keys, which is no order that means anything. */
export async function listCacheEntries(db: ResultsDatabase, request: ListCacheEntries): Promise<Page<CacheEntryRow>> {
  const after = parseCursor(request, 1)?.[0];
  let query = db
    .selectFrom('result_cache')
    .selectAll()
    .orderBy('cache_key')
    .limit(pageLimit(request) + 1);
  if (after !== undefined) query = query.where('cache_key', '>', after);
  if (request.taskName !== undefined) query = query.where('task_name', '=', request.taskName);
  if (request.canonicalJobId !== undefined) query = query.where('canonical_job_id', '=', request.canonicalJobId);
  if (request.pinned !== undefined) query = query.where('pinned', '=', request.pinned);
  const rows = await query.execute();
  return toPage(
    rows.map((row) => withNumbers(row, BIGINTS)),
    request,
    (row) => [row.cache_key],
  );
}

// One parameter for any number of keys.
const anyOf = (keys: readonly string[]) => sql<string>`any(cast(${keys} as text[]))`;
