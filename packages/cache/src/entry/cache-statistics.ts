import {
  type CacheStatistics,
  type Caller,
  readCacheStatistics,
  requirePermission,
  ValidationFailedError,
} from '@mad/core';
import type { CachePlatform } from '../cache-platform.ts';

/**
 * What the cache of the caller's organization holds, and what it did: ever, or since a time. Hits are counted about a second late.
 * @throws {PermissionDeniedError} without `cache.view`
 */
export async function cacheStatistics(
  { results }: Pick<CachePlatform, 'results'>,
  caller: Caller,
  { since }: { readonly since?: Date | undefined } = {},
): Promise<CacheStatistics> {
  requirePermission(caller, 'cache.view');
  if (since !== undefined && (!(since instanceof Date) || Number.isNaN(since.getTime())))
    throw new ValidationFailedError({
      subject: 'statistics',
      issues: [{ pointer: '/since', message: 'expected a Date' }],
    });
  return readCacheStatistics(await results.get(caller.orgId), { since });
}
