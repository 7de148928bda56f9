import { authorize, type Caller, findCacheEntry, listCacheEvents, NotFoundError } from '@mad/core';
import type { CachePlatform } from '../cache-platform.ts';
import { type CacheEntry, type CacheEvent, toCacheEntry, toCacheEvent } from './cache-entry.ts';
import { requireKey } from './require-key.ts';

/**
 * One entry with what happened to it, the newest first: the last 1,000 events.
 * @throws {PermissionDeniedError} without `cache.view`
 * @throws {NotFoundError} when the organization has no such entry
 */
export async function getEntry(
  { results }: Pick<CachePlatform, 'results'>,
  caller: Caller,
  { cacheKey }: { readonly cacheKey: string },
): Promise<CacheEntry & { readonly history: readonly CacheEvent[] }> {
  authorize(caller, 'cache.view');
  requireKey(cacheKey);
  const db = await results.get(caller.orgId);
  const row = await findCacheEntry(db, { cacheKey });
  if (row === undefined)
    throw new NotFoundError({ entity: 'cache entry', id: cacheKey, hint: 'listEntries shows those that are there' });
  const history = await listCacheEvents(db, { cacheKey });
  return { ...toCacheEntry(row), history: history.map(toCacheEvent) };
}
