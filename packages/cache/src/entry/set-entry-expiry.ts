import { authorize, type Caller, checkRequest, expireCacheEntry, NotFoundError } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { atMost, timeOrNever } from './request-forms.ts';
import { requireKey } from './require-key.ts';

export interface SetEntryExpiry {
  readonly cacheKey: string;
  /** Of the years 1 to 9999. Null: it does not expire. */
  readonly expiresAt: Date | null;
  /** Each use moves the expiry to so long from then, a hundred years at most. @default use does not move it */
  readonly slidingMs?: number | undefined;
}

const CENTURY_MS = 100 * 365 * 86_400_000;
const form = z.strictObject({
  cacheKey: z.unknown(),
  expiresAt: timeOrNever,
  slidingMs: atMost(CENTURY_MS).optional(),
});

/**
 * Sets when an entry expires. A result that takes its place later expires as the cache says.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {NotFoundError} when the organization has no such entry
 * @throws {ValidationFailedError} for what is no such time
 */
export async function setEntryExpiry(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  request: SetEntryExpiry,
): Promise<void> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'expiry', value: request });
  const { cacheKey, expiresAt, slidingMs } = request;
  requireKey(cacheKey);
  const results = await platform.results.get(caller.orgId);
  const given = { cacheKey, expiresAt, slidingMs: slidingMs ?? null, actor: caller.userId };
  if (!(await expireCacheEntry(results, given)))
    throw new NotFoundError({ entity: 'cache entry', id: cacheKey, hint: 'listEntries shows those that are there' });
  const metadata = { expires_at: expiresAt?.toISOString() ?? null, sliding_ms: slidingMs ?? null };
  await auditEntries(platform, caller, { action: 'cache.expire', cacheKey, metadata });
}
