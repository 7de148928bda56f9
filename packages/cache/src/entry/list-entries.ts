import {
  authorize,
  type CacheEntryState,
  type Caller,
  checkRequest,
  type ListCacheEntries,
  listCacheEntries,
  type Page,
} from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { type CacheEntry, toCacheEntry } from './cache-entry.ts';
import { name } from './request-forms.ts';

/** Which entries to list; filters are joined by "and". */
export type ListEntries = ListCacheEntries;

const STATES: readonly CacheEntryState[] = ['served', 'expired', 'invalidated', 'quarantined', 'disowned', 'drifted'];
const form = z.strictObject({
  taskKey: name.optional(),
  state: z.enum(STATES).optional(),
  canonicalJobId: z.guid('expected a uuid').optional(),
  pinned: z.boolean().optional(),
  limit: z.int().optional(),
  cursor: z.string().max(2_000).optional(),
});

/**
 * The entries of the caller's organization, the newest first, 50 a page and 500 at most.
 * @throws {PermissionDeniedError} without `cache.view`
 * @throws {ValidationFailedError} for a foreign cursor, or what no entry could meet
 */
export async function listEntries(
  { results }: Pick<CachePlatform, 'results'>,
  caller: Caller,
  request: ListEntries = {},
): Promise<Page<CacheEntry>> {
  authorize(caller, 'cache.view');
  checkRequest(form, { subject: 'list of entries', value: request });
  const { items, ...page } = await listCacheEntries(await results.get(caller.orgId), request);
  return { ...page, items: items.map(toCacheEntry) };
}
