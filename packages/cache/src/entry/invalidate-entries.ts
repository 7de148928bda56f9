import { type Caller, invalidateEntryRows, requirePermission, ValidationFailedError } from '@mad/core';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { type Between, checkCriteria, criteriaFacts } from './entry-criteria.ts';
import { DAMAGES } from './judge-entry.ts';

/** Which entries, joined by "and"; at least one criterion. Whole jobs with a step of the task or image are meant too. */
export interface InvalidateEntries {
  readonly cacheKey?: string | undefined;
  readonly taskKey?: string | undefined;
  /** Of the task. */
  readonly version?: string | undefined;
  /** Or engine version, where a task names no image. */
  readonly imageDigest?: string | undefined;
  /** When the entry was made. */
  readonly between?: Between | undefined;
  /** As explanations will say it. @default 'invalidated' */
  readonly reason?: string | undefined;
}

const MAX_REASON = 500;

/**
 * Takes entries out of service; any new result takes the place of one. Returns how many were in service.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} without a criterion
 */
export async function invalidateEntries(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  { cacheKey, taskKey, version, imageDigest, between, reason = 'invalidated' }: InvalidateEntries,
): Promise<{ readonly entries: number }> {
  requirePermission(caller, 'cache.manage');
  const criteria = checkCriteria({
    cacheKey,
    taskKey,
    version,
    producer: imageDigest,
    from: between?.from,
    to: between?.to,
  });
  const isOwnWord = [...DAMAGES, 'disowned', 'drifted'].some((word) => word === reason);
  if (typeof reason !== 'string' || reason === '' || reason.length > MAX_REASON || reason.includes('\0') || isOwnWord) {
    const message = `expected 1 to ${MAX_REASON} characters that are none of the cache's own words, such as disowned`;
    throw new ValidationFailedError({ subject: 'invalidation', issues: [{ pointer: '/reason', message }] });
  }
  const results = await platform.results.get(caller.orgId);
  const entries = await invalidateEntryRows(results, { ...criteria, reason, actor: caller.userId });
  const metadata = { criteria: criteriaFacts(criteria), reason: reason.toWellFormed(), entries };
  await auditEntries(platform, caller, { action: 'cache.invalidate', cacheKey, metadata });
  return { entries };
}
