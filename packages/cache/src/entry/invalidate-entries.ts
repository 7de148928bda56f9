import { authorize, type Caller, checkRequest, invalidateEntryRows } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { criteriaFacts, criteriaForm, reasonForm, requireCriterion, type WithdrawEntries } from './entry-criteria.ts';
import { DAMAGES } from './judge-entry.ts';

/** Which entries; `reason` is said by explanations, `invalidated` by default. */
export type InvalidateEntries = WithdrawEntries;

const OWN_WORDS: readonly string[] = [...DAMAGES, 'disowned', 'drifted'];
const reason = reasonForm.refine(
  (word) => !OWN_WORDS.includes(word),
  'expected none of the words of the cache itself, such as disowned',
);
const form = z.strictObject({ ...criteriaForm, reason: reason.optional() });

/**
 * Takes entries out of service; any new result takes the place of one. Returns how many were in service.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} without a criterion, or for what is none
 */
export async function invalidateEntries(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  request: InvalidateEntries,
): Promise<{ readonly entries: number }> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'invalidation', value: request });
  const { cacheKey, reason = 'invalidated', dryRun = false } = request;
  const criteria = requireCriterion(request);
  const results = await platform.results.get(caller.orgId);
  const entries = await invalidateEntryRows(results, { ...criteria, reason, dryRun, actor: caller.userId });
  const metadata = { criteria: criteriaFacts(criteria), reason, entries };
  if (!dryRun) await auditEntries(platform, caller, { action: 'cache.invalidate', cacheKey, metadata });
  return { entries };
}
