import { CompiledQuery, sql } from 'kysely';
import { prepared } from '../postgres/prepared-statements.ts';
import { fromNow } from './from-now.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** A key that somebody wants to compute. */
export interface WantedFlight {
  readonly cacheKey: string;
  readonly jobId: string;
  /** Step instance of the job. */
  readonly taskName: string;
}

/** Who wants to compute, and for how long without a renewal. */
export interface ClaimCacheFlights {
  /** Names who computes, for people. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Of each key one at most. */
  readonly flights: readonly WantedFlight[];
}

/** A key and the fence under which the caller claimed it. */
export interface HeldCacheFlight {
  readonly cacheKey: string;
  readonly fence: number;
}

/**
 * Claims the right to compute keys, by the database's clock, and returns those that were given: not one on which another claim runs, the same
 * owner's included. Of many concurrent callers exactly one is given a key. Fences of one key rise with every claim, whatever happened to the row between.
 */
export async function claimCacheFlights(
  db: ResultsDatabase,
  { owner, leaseMs, flights }: ClaimCacheFlights,
): Promise<readonly HeldCacheFlight[]> {
  if (flights.length === 0) return [];
  const s = schemaOf(db);
  // Locked in one order: two callers with the same keys cannot lock each other out for ever.
  const text = prepared(`INSERT INTO ${s}cache_flights AS f (cache_key, owner, job_id, task_name, lease_expires_at)
SELECT g.cache_key, $1, g.job_id, g.task_name, now() + $2::bigint * interval '1 ms'
FROM unnest($3::text[], $4::uuid[], $5::text[]) AS g(cache_key, job_id, task_name) ORDER BY g.cache_key
ON CONFLICT (cache_key) DO UPDATE SET owner = excluded.owner, job_id = excluded.job_id, task_name = excluded.task_name,
  lease_expires_at = excluded.lease_expires_at, fence = DEFAULT, progress = NULL, unshared = false
WHERE f.lease_expires_at <= now()
RETURNING cache_key, fence`);
  const parameters = [
    ...[owner, leaseMs, flights.map(({ cacheKey }) => cacheKey), flights.map(({ jobId }) => jobId)],
    flights.map(({ taskName }) => taskName),
  ];
  const { rows } = await db.executeQuery<{ cache_key: string; fence: string }>(CompiledQuery.raw(text, parameters));
  return rows.map((row) => ({ cacheKey: row.cache_key, fence: Number(row.fence) }));
}

/** Who computes a key, as those who wait for it see it. */
export interface SeenCacheFlight {
  readonly cache_key: string;
  readonly fence: number;
  readonly job_id: string | null;
  /** Step instance of the job; `*` for all of it. */
  readonly task_name: string | null;
  readonly progress: number | null;
  readonly unshared: boolean;
  /** False: whoever claims it next is given it. */
  readonly held: boolean;
}

/** The flights of these keys; keys without one are left out. */
export async function listCacheFlights(
  db: ResultsDatabase,
  { cacheKeys }: { readonly cacheKeys: readonly string[] },
): Promise<readonly SeenCacheFlight[]> {
  const text =
    prepared(`SELECT cache_key, fence, job_id, task_name, progress, unshared, lease_expires_at > now() AS held
FROM ${schemaOf(db)}cache_flights WHERE cache_key = ANY($1::text[])`);
  const { rows } = await db.executeQuery<SeenCacheFlight>(CompiledQuery.raw(text, [[...cacheKeys]]));
  return rows.map((row) => ({ ...row, fence: Number(row.fence) }));
}

/** Holds the flights for `leaseMs` from now; one that was lost stays lost. */
export async function renewCacheFlights(
  db: ResultsDatabase,
  { flights, leaseMs }: { readonly flights: readonly HeldCacheFlight[]; readonly leaseMs: number },
): Promise<void> {
  if (flights.length === 0) return;
  const s = schemaOf(db);
  // A row that is being ended needs no renewal, and waiting for it in another order could be a deadlock.
  const text = prepared(`WITH held AS (SELECT f.cache_key FROM ${s}cache_flights f
  JOIN unnest($1::text[], $2::bigint[]) AS g(cache_key, fence) USING (cache_key, fence) FOR NO KEY UPDATE OF f SKIP LOCKED)
UPDATE ${s}cache_flights f SET lease_expires_at = now() + $3::bigint * interval '1 ms' FROM held WHERE held.cache_key = f.cache_key`);
  await db.executeQuery(CompiledQuery.raw(text, [...toColumns(flights), leaseMs]));
}

/** Ends flights whose results are recorded or that nobody computes any more: the next caller may claim their keys at once. Lost ones are left alone. */
export async function endCacheFlights(
  db: ResultsDatabase,
  { flights }: { readonly flights: readonly HeldCacheFlight[] },
): Promise<void> {
  if (flights.length === 0) return;
  const s = schemaOf(db);
  const text = prepared(`WITH held AS (SELECT f.cache_key FROM ${s}cache_flights f
  JOIN unnest($1::text[], $2::bigint[]) AS g(cache_key, fence) USING (cache_key, fence) ORDER BY f.cache_key FOR UPDATE OF f)
DELETE FROM ${s}cache_flights f USING held WHERE held.cache_key = f.cache_key`);
  await db.executeQuery(CompiledQuery.raw(text, toColumns(flights)));
}

/** Ends a flight without a result for others: those who wait compute for themselves. */
export async function endCacheFlightUnshared(db: ResultsDatabase, { cacheKey, fence }: HeldCacheFlight): Promise<void> {
  await db
    .updateTable('cache_flights')
    .set({ unshared: true, lease_expires_at: fromNow(0) })
    .where('cache_key', '=', cacheKey)
    .where('fence', '=', fence)
    .execute();
}

/** Notes how far a flight is, for those who wait for it. */
export async function noteCacheFlightProgress(
  db: ResultsDatabase,
  { cacheKey, fence, progress }: HeldCacheFlight & { readonly progress: number },
): Promise<void> {
  await db
    .updateTable('cache_flights')
    .set({ progress: sql<number>`greatest(coalesce(progress, 0), ${progress}::float8)` })
    .where('cache_key', '=', cacheKey)
    .where('fence', '=', fence)
    .execute();
}

/** Forgets flights that ended unshared, or whose holder was lost, longer than a day ago. */
export async function deleteOldCacheFlights(db: ResultsDatabase): Promise<void> {
  await db.deleteFrom('cache_flights').where('lease_expires_at', '<', fromNow(-86_400_000)).execute();
}

const toColumns = (flights: readonly HeldCacheFlight[]) => [
  flights.map(({ cacheKey }) => cacheKey),
  flights.map(({ fence }) => fence),
];
