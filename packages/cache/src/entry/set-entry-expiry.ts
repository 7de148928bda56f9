import { type Caller, expireCacheEntry, NotFoundError, requirePermission, ValidationFailedError } from '@mad/core';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { requireKey } from './require-key.ts';

export interface SetEntryExpiry {
  readonly cacheKey: string;
  /** Null: it does not expire. */
  readonly expiresAt: Date | null;
  /** Each use moves the expiry to so long from then. @default use does not move it */
  readonly slidingMs?: number | undefined;
}

/**
 * Sets when an entry expires. A result that takes its place later expires as the cache says.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {NotFoundError} when the organization has no such entry
 * @throws {ValidationFailedError} for what is no time
 */
export async function setEntryExpiry(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  { cacheKey, expiresAt, slidingMs }: SetEntryExpiry,
): Promise<void> {
  requirePermission(caller, 'cache.manage');
  requireKey(cacheKey);
  if (expiresAt !== null && !isTime(expiresAt)) refuse('/expiresAt', 'expected a Date, or null');
  if (slidingMs !== undefined && !(Number.isSafeInteger(slidingMs) && slidingMs > 0))
    refuse('/slidingMs', 'expected a whole number of milliseconds above 0');
  const results = await platform.results.get(caller.orgId);
  const given = { cacheKey, expiresAt, slidingMs: slidingMs ?? null, actor: caller.userId };
  if (!(await expireCacheEntry(results, given))) throw new NotFoundError({ entity: 'cache entry', id: cacheKey });
  const metadata = { expires_at: expiresAt?.toISOString() ?? null, sliding_ms: slidingMs ?? null };
  await auditEntries(platform, caller, { action: 'cache.expire', cacheKey, metadata });
}

const isTime = (value: Date): boolean => value instanceof Date && !Number.isNaN(value.getTime());

function refuse(pointer: string, message: string): never {
  throw new ValidationFailedError({ subject: 'expiry', issues: [{ pointer, message }] });
}
