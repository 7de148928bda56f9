import { authorize, type Caller, checkRequest, NotFoundError, pinCacheEntry } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { requireKey } from './require-key.ts';

export interface PinEntry {
  readonly cacheKey: string;
  readonly pinned: boolean;
}

const form = z.strictObject({ cacheKey: z.unknown(), pinned: z.boolean() });

/**
 * Pins an entry, or lets it go: a pinned one does not expire, is not evicted, and gives way only to a better result. It does not bring back one that was taken
 * out of service.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {NotFoundError} when the organization has no such entry
 * @throws {ValidationFailedError} when `pinned` is neither true nor false
 */
export async function pinEntry(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  request: PinEntry,
): Promise<void> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'pin', value: request });
  const { cacheKey, pinned } = request;
  requireKey(cacheKey);
  const results = await platform.results.get(caller.orgId);
  if (!(await pinCacheEntry(results, { cacheKey, pinned, actor: caller.userId })))
    throw new NotFoundError({ entity: 'cache entry', id: cacheKey, hint: 'listEntries shows those that are there' });
  await auditEntries(platform, caller, { action: pinned ? 'cache.pin' : 'cache.unpin', cacheKey, metadata: {} });
}
