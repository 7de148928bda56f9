import { CompiledQuery, sql } from 'kysely';
import { ValidationFailedError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { withNumbers } from '../postgres/bigint-column.ts';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import type { CacheEntryRow } from './tables/cache-entry.table.ts';
import { toCleanJsonText } from './to-jsonb.ts';

const BIGINTS = ['compute_ms', 'size_bytes', 'sliding_ms'] as const;

/** `quarantined`: something of it was lost or altered; `invalidated`: somebody wanted it so; `drifted`: computed again it came out otherwise. */
export type CacheEntryState = 'served' | 'expired' | 'invalidated' | 'quarantined' | 'disowned' | 'drifted';

/** An entry and what has become of it, by the database's clock. */
export interface StatedEntryRow extends CacheEntryRow {
  readonly state: CacheEntryState;
}

const STATE = `CASE WHEN invalidated_at IS NULL THEN CASE WHEN expires_at <= now() AND NOT pinned THEN 'expired' ELSE 'served' END
  WHEN invalidated_reason IN ('artifact_missing', 'artifact_altered', 'result_altered', 'entry_altered') THEN 'quarantined'
  WHEN invalidated_reason IN ('disowned', 'drifted') THEN invalidated_reason ELSE 'invalidated' END`;
const state = sql<CacheEntryState>`${sql.raw(STATE)}`;

/** The entry as it stands, whether or not it may be served. */
export async function findCacheEntry(
  db: ResultsDatabase,
  { cacheKey }: { cacheKey: string },
): Promise<StatedEntryRow | undefined> {
  const row = await db
    .selectFrom('result_cache')
    .selectAll()
    .select(state.as('state'))
    .where('cache_key', '=', cacheKey)
    .executeTakeFirst();
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

/** Keys of entries that begin so, in order. */
export async function findCacheKeys(
  db: ResultsDatabase,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): Promise<readonly string[]> {
  // Keys are hex digits: no other text that begins so comes between, and the index is read over this range alone.
  const rows = await db
    .selectFrom('result_cache')
    .select('cache_key')
    .where('cache_key', '>=', prefix)
    .where('cache_key', '<', `${prefix}g`)
    .orderBy('cache_key')
    .limit(limit)
    .execute();
  return rows.map((row) => row.cache_key);
}

/** Which entries to list; filters are joined by "and". */
export interface ListCacheEntries extends PageRequest {
  /** Entries of steps of this task. */
  readonly taskKey?: string | undefined;
  readonly state?: CacheEntryState | undefined;
  readonly canonicalJobId?: string | undefined;
  readonly pinned?: boolean | undefined;
}

/** The newest first. */
export async function listCacheEntries(db: ResultsDatabase, request: ListCacheEntries): Promise<Page<StatedEntryRow>> {
  const after = parsePlace(request);
  let query = db
    .selectFrom('result_cache')
    .selectAll()
    .select([state.as('state'), sql<string>`(extract(epoch from created_at) * 1000000)::bigint::text`.as('place')])
    .orderBy('created_at', 'desc')
    .orderBy('cache_key')
    .limit(pageLimit(request) + 1);
  const { taskKey, canonicalJobId, pinned } = request;
  if (after) {
    const time = sql`('epoch'::timestamptz + ${after.micros}::float8 * interval '1 microsecond')`;
    query = query.where(sql<boolean>`(created_at <= ${time} and (created_at < ${time} or cache_key > ${after.key}))`);
  }
  if (taskKey !== undefined) query = query.where(sql<string>`key_components #>> '{task,taskKey}'`, '=', taskKey);
  if (request.state !== undefined) query = query.where(state, '=', request.state);
  if (canonicalJobId !== undefined) query = query.where('canonical_job_id', '=', canonicalJobId);
  if (pinned !== undefined) query = query.where('pinned', '=', pinned);
  const { items, ...page } = toPage(await query.execute(), request, (row) => [row.place, row.cache_key]);
  return { ...page, items: items.map(({ place: _, ...row }) => withNumbers(row, BIGINTS)) };
}

/** Microseconds since 1970 and key of the last entry before this page. */
function parsePlace(request: PageRequest): { readonly micros: string; readonly key: string } | undefined {
  const [micros, key] = parseCursor(request, 2) ?? [];
  if (micros === undefined || key === undefined) return undefined;
  if (/^\d{1,16}$/.test(micros) && !key.includes('\0')) return { micros, key };
  const issue = { pointer: '', message: 'expected the nextCursor of an earlier page of this list' };
  throw new ValidationFailedError({ subject: 'cursor', issues: [issue] });
}

/** What is set on an entry by hand, and by whom. */
export interface SetOnEntry {
  readonly cacheKey: string;
  readonly actor: string | null;
}

/** Pins an entry, or lets it go; false when there is none. `cache_events` is told where it changes something. */
export async function pinCacheEntry(
  db: ResultsDatabase,
  { cacheKey, actor, pinned }: SetOnEntry & { readonly pinned: boolean },
): Promise<boolean> {
  const s = schemaOf(db);
  const text = prepared(`WITH held AS (SELECT * FROM ${s}result_cache WHERE cache_key = $1 FOR NO KEY UPDATE
), done AS (
  UPDATE ${s}result_cache e SET pinned = $2 FROM held WHERE e.cache_key = held.cache_key AND held.pinned <> $2
), told AS (
  INSERT INTO ${s}cache_events (cache_key, event, canonical_job_id, confidence_score, actor)
  SELECT cache_key, CASE WHEN $2 THEN 'PINNED' ELSE 'UNPINNED' END, canonical_job_id, confidence_score, $3::uuid FROM held WHERE pinned <> $2
)
SELECT cache_key FROM held`);
  const { rows } = await db.executeQuery(CompiledQuery.raw(text, [cacheKey, pinned, actor]));
  return rows.length > 0;
}

/** Sets when an entry expires, null never, and by how much each use moves that, null not at all; false when there is no entry. */
export async function expireCacheEntry(
  db: ResultsDatabase,
  given: SetOnEntry & { readonly expiresAt: Date | null; readonly slidingMs: number | null },
): Promise<boolean> {
  const s = schemaOf(db);
  const text = prepared(`WITH done AS (
  UPDATE ${s}result_cache SET expires_at = $2::timestamptz, sliding_ms = $3::bigint WHERE cache_key = $1
  RETURNING cache_key, canonical_job_id, confidence_score
)
INSERT INTO ${s}cache_events (cache_key, event, canonical_job_id, confidence_score, actor, metadata)
SELECT cache_key, 'EXPIRY_SET', canonical_job_id, confidence_score, $4::uuid, jsonb_build_object('expires_at', $2::timestamptz, 'sliding_ms', $3::bigint) FROM done
RETURNING cache_key`);
  const { cacheKey, expiresAt, slidingMs, actor } = given;
  const { rows } = await db.executeQuery(
    CompiledQuery.raw(text, [cacheKey, expiresAt?.toISOString() ?? null, slidingMs, actor]),
  );
  return rows.length > 0;
}

/** Hits on an entry since they were counted last. */
export interface CountedHits {
  readonly cacheKey: string;
  readonly hits: number;
  /** True: its result is to be computed again and compared. */
  readonly rerun: boolean;
}

export interface CountHits {
  /** Of each key one at most. */
  readonly counted: readonly CountedHits[];
  /** An entry that slides is never kept for longer than this. @default for ever, while it is used */
  readonly maxAgeMs?: number | undefined;
}

/**
 * Counts hits, and moves the expiry of entries that slide, if by more than a tenth of what they slide: `expires_at` is indexed. One statement for any
 * number of entries. One that has expired meanwhile stays expired.
 */
export async function countHits(db: ResultsDatabase, { counted, maxAgeMs }: CountHits): Promise<void> {
  if (counted.length === 0) return;
  const s = schemaOf(db);
  // Locked in one order: two callers with the same keys cannot lock each other out for ever.
  const text = prepared(`WITH held AS (
  SELECT e.cache_key, g.hits, g.rerun FROM ${s}result_cache e
  JOIN unnest($1::text[], $2::int[], $3::boolean[]) AS g(cache_key, hits, rerun) USING (cache_key) ORDER BY e.cache_key FOR NO KEY UPDATE OF e
)
UPDATE ${s}result_cache e SET hit_count = least(e.hit_count::bigint + held.hits, 2147483647)::int, last_used_at = now(),
  rerun_wanted_at = CASE WHEN held.rerun AND e.invalidated_at IS NULL THEN coalesce(e.rerun_wanted_at, now()) ELSE e.rerun_wanted_at END,
  expires_at = CASE WHEN e.sliding_ms IS NOT NULL AND e.expires_at > now()
      AND least(now() + e.sliding_ms * interval '1 ms', e.created_at + $4::float8 * interval '1 ms') > e.expires_at + e.sliding_ms * interval '0.1 ms'
    THEN least(now() + e.sliding_ms * interval '1 ms', e.created_at + $4::float8 * interval '1 ms') ELSE e.expires_at END
FROM held WHERE e.cache_key = held.cache_key`);
  const columns = [counted.map(({ cacheKey }) => cacheKey), counted.map(({ hits }) => hits)];
  const parameters = [...columns, counted.map(({ rerun }) => rerun), maxAgeMs ?? null];
  await db.executeQuery(CompiledQuery.raw(text, parameters));
}

/** An entry that was found to be damaged, as it was seen. */
export interface DamagedEntry {
  readonly cacheKey: string;
  readonly seal: string | null;
  /** `artifact_missing`, `artifact_altered`, `result_altered` or `entry_altered`. */
  readonly reason: string;
  readonly metadata: JsonObject;
}

/**
 * Takes damaged entries out of service for good and returns the keys of those that were still in it, unchanged since they were seen: of many callers
 * who find the same damage one is told so. One statement, which also writes `cache_events`.
 */
export async function quarantineEntries(
  db: ResultsDatabase,
  { damaged }: { readonly damaged: readonly DamagedEntry[] },
): Promise<ReadonlySet<string>> {
  if (damaged.length === 0) return new Set();
  const s = schemaOf(db);
  const text = prepared(`WITH held AS (
  SELECT e.cache_key, e.canonical_job_id, e.confidence_score, g.reason, g.metadata FROM ${s}result_cache e
  JOIN jsonb_to_recordset($1::jsonb) AS g(cache_key text, seal text, reason text, metadata jsonb)
    ON g.cache_key = e.cache_key AND g.seal IS NOT DISTINCT FROM e.seal
  WHERE e.invalidated_at IS NULL ORDER BY e.cache_key FOR NO KEY UPDATE OF e
), done AS (
  UPDATE ${s}result_cache e SET invalidated_at = now(), invalidated_reason = held.reason, seal = NULL, rerun_wanted_at = NULL
  FROM held WHERE e.cache_key = held.cache_key
)
INSERT INTO ${s}cache_events (cache_key, event, reason, canonical_job_id, confidence_score, metadata)
SELECT cache_key, 'QUARANTINED', reason, canonical_job_id, confidence_score, metadata FROM held RETURNING cache_key`);
  const given = damaged.map(({ cacheKey, ...entry }) => ({ cache_key: cacheKey, ...entry }));
  const { rows } = await db.executeQuery<{ cache_key: string }>(CompiledQuery.raw(text, [toCleanJsonText(given)]));
  return new Set(rows.map(({ cache_key }) => cache_key));
}

// One parameter for any number of keys.
const anyOf = (keys: readonly string[]) => sql<string>`any(cast(${keys} as text[]))`;
