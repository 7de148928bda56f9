import { authorize, type Caller, checkRequest, evictEntryRows } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';

export interface EvictEntries {
  /** What the entries that stay may take, files and rows. */
  readonly maxBytes: number;
  /** True: tells what would go, and drops nothing. @default false */
  readonly dryRun?: boolean | undefined;
}

const form = z.strictObject({ maxBytes: z.number().min(0), dryRun: z.boolean().optional() });

export interface EvictedEntries {
  readonly entries: number;
  /** That they took; a file is deleted by `collectGarbage`, once nothing else refers to it. */
  readonly bytes: number;
  /** Those of least worth first. */
  readonly evicted: readonly { readonly cacheKey: string; readonly bytes: number; readonly value: number }[];
}

/**
 * Drops the entries of least worth until the rest fits: those that are not served, then those of the least compute time × recency ÷ bytes, where recency is
 * 1 ÷ (1 + days since the last use). Pinned ones stay. The jobs keep their results.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} for a size below 0
 */
export async function evictEntries(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  request: EvictEntries,
): Promise<EvictedEntries> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'eviction', value: request });
  const { maxBytes, dryRun = false } = request;
  const results = await platform.results.get(caller.orgId);
  const rows = await evictEntryRows(results, { maxBytes, dryRun, actor: caller.userId });
  const evicted = rows.map(({ cache_key, bytes, value }) => ({ cacheKey: cache_key, bytes, value }));
  const bytes = evicted.reduce((sum, entry) => sum + entry.bytes, 0);
  if (!dryRun) {
    const metadata = { max_bytes: maxBytes, entries: evicted.length, bytes };
    await auditEntries(platform, caller, { action: 'cache.evict', metadata });
  }
  return { entries: evicted.length, bytes, evicted };
}
