import {
  type Caller,
  isUuid,
  type ListCacheEntries,
  listCacheEntries,
  type Page,
  requirePermission,
  ValidationFailedError,
} from '@mad/core';
import type { CachePlatform } from '../cache-platform.ts';
import { type CacheEntry, toCacheEntry } from './cache-entry.ts';

/** Which entries to list; filters are joined by "and". */
export type ListEntries = ListCacheEntries;

/**
 * The entries of the caller's organization, the newest first, 50 a page and 500 at most.
 * @throws {PermissionDeniedError} without `cache.view`
 * @throws {ValidationFailedError} for a foreign cursor or job id
 */
export async function listEntries(
  { results }: Pick<CachePlatform, 'results'>,
  caller: Caller,
  request: ListEntries = {},
): Promise<Page<CacheEntry>> {
  requirePermission(caller, 'cache.view');
  const { canonicalJobId } = request;
  if (canonicalJobId !== undefined && !isUuid(canonicalJobId))
    throw new ValidationFailedError({
      subject: 'list of entries',
      issues: [{ pointer: '/canonicalJobId', message: 'expected a uuid' }],
    });
  const { items, ...page } = await listCacheEntries(await results.get(caller.orgId), request);
  return { ...page, items: items.map(toCacheEntry) };
}
