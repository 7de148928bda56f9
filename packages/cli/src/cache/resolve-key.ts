import { findCacheKeys, NotFoundError } from '@mad/core';
import { AmbiguousKeyError } from '../errors.ts';
import type { OpenedCache } from './cache-options.ts';

/** Of the keys that begin alike so many are named. */
const MAX_NAMED = 5;

/** The one key that begins so. @throws {NotFoundError} when none does @throws {AmbiguousKeyError} when several do */
export async function resolveKey({ platform, caller }: OpenedCache, prefix: string): Promise<string> {
  const results = await platform.results.get(caller.orgId);
  const [key, ...others] = await findCacheKeys(results, { prefix, limit: MAX_NAMED + 1 });
  if (key === undefined)
    throw new NotFoundError({ entity: 'cache entry', id: prefix, hint: 'mad cache list shows those that are there' });
  if (others.length > 0) throw new AmbiguousKeyError({ prefix, keys: [key, ...others].slice(0, MAX_NAMED) });
  return key;
}
