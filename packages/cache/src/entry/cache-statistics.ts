import { authorize, type CacheStatistics, type Caller, checkRequest, readCacheStatistics } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { time } from './request-forms.ts';

const form = z.strictObject({ since: time.optional() });

/**
 * What the cache of the caller's organization holds, and what it did: ever, or since a time. Hits are counted about a second late.
 * @throws {PermissionDeniedError} without `cache.view`
 * @throws {ValidationFailedError} for what is no Date of the years 1 to 9999
 */
export async function cacheStatistics(
  { results }: Pick<CachePlatform, 'results'>,
  caller: Caller,
  request: { readonly since?: Date | undefined } = {},
): Promise<CacheStatistics> {
  authorize(caller, 'cache.view');
  checkRequest(form, { subject: 'statistics', value: request });
  return readCacheStatistics(await results.get(caller.orgId), { since: request.since });
}
