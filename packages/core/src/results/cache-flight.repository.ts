import { sql } from 'kysely';
import { withNumbers } from '../postgres/bigint-column.ts';
import { fromNow } from './from-now.ts';
import type { ResultsDatabase } from './results-database.ts';
import type { CacheFlightRow } from './tables/cache-flight.table.ts';

/** Who wants to compute the key, and for how long without a renewal. */
export interface ClaimCacheFlight {
  readonly cacheKey: string;
  /** Names who computes, for people. */
  readonly owner: string;
  readonly jobId?: string | undefined;
  readonly leaseMs: number;
}

/**
 * Claims the right to compute a key, by the database's clock; undefined while another claim on it runs, the same owner's included. Of many
 * concurrent callers exactly one is given it. Fences of one key rise with every claim, whatever happened to the row between.
 */
export async function claimCacheFlight(
  db: ResultsDatabase,
  { cacheKey, owner, jobId, leaseMs }: ClaimCacheFlight,
): Promise<{ readonly fence: number } | undefined> {
  const row = await db
    .insertInto('cache_flights')
    .values({ cache_key: cacheKey, owner, job_id: jobId ?? null, lease_expires_at: fromNow(leaseMs) })
    .onConflict((conflict) =>
      conflict
        .column('cache_key')
        .doUpdateSet((eb) => ({
          owner: eb.ref('excluded.owner'),
          job_id: eb.ref('excluded.job_id'),
          lease_expires_at: eb.ref('excluded.lease_expires_at'),
          fence: sql<number>`default`,
        }))
        .where('cache_flights.lease_expires_at', '<=', sql<Date>`now()`),
    )
    .returning('fence')
    .executeTakeFirst();
  return row && { fence: Number(row.fence) };
}

/** Who computes the key, and until when without a renewal; also after that time, until it is claimed again. */
export async function findCacheFlight(
  db: ResultsDatabase,
  { cacheKey }: { cacheKey: string },
): Promise<CacheFlightRow | undefined> {
  const row = await db.selectFrom('cache_flights').selectAll().where('cache_key', '=', cacheKey).executeTakeFirst();
  return row && withNumbers(row, ['fence']);
}

/** A key and the fence under which the caller claimed it. */
export interface HeldCacheFlight {
  readonly cacheKey: string;
  readonly fence: number;
}

/** Holds the flight for `leaseMs` from now; false when it is lost. */
export async function renewCacheFlight(
  db: ResultsDatabase,
  { cacheKey, fence, leaseMs }: HeldCacheFlight & { readonly leaseMs: number },
): Promise<boolean> {
  const row = await db
    .updateTable('cache_flights')
    .set({ lease_expires_at: fromNow(leaseMs) })
    .where('cache_key', '=', cacheKey)
    .where('fence', '=', fence)
    .returning('fence')
    .executeTakeFirst();
  return row !== undefined;
}

/** Ends the flight, so that the next caller may claim the key at once; false when it was lost before. */
export async function releaseCacheFlight(db: ResultsDatabase, { cacheKey, fence }: HeldCacheFlight): Promise<boolean> {
  const row = await db
    .deleteFrom('cache_flights')
    .where('cache_key', '=', cacheKey)
    .where('fence', '=', fence)
    .returning('fence')
    .executeTakeFirst();
  return row !== undefined;
}
