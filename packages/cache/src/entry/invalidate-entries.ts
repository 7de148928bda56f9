import { authorize, type Caller, checkRequest, invalidateEntryRows, storableText } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { type Between, criteriaFacts, requireCriterion } from './entry-criteria.ts';
import { DAMAGES } from './judge-entry.ts';
import { between, name } from './request-forms.ts';

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

const OWN_WORDS: readonly string[] = [...DAMAGES, 'disowned', 'drifted'];
// Strict: a misspelled criterion that was passed over would mean more entries.
const form = z.strictObject({
  cacheKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
    .optional(),
  taskKey: name.optional(),
  version: name.optional(),
  imageDigest: name.optional(),
  between: between.optional(),
  reason: storableText(500)
    .refine((word) => !OWN_WORDS.includes(word), 'expected none of the words of the cache itself, such as disowned')
    .optional(),
});

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
  const { cacheKey, taskKey, version, imageDigest, between: range, reason = 'invalidated' } = request;
  const of = { cacheKey, taskKey, version, producer: imageDigest };
  const criteria = requireCriterion({ ...of, from: range?.from, to: range?.to });
  const results = await platform.results.get(caller.orgId);
  const entries = await invalidateEntryRows(results, { ...criteria, reason, actor: caller.userId });
  const metadata = { criteria: criteriaFacts(criteria), reason, entries };
  await auditEntries(platform, caller, { action: 'cache.invalidate', cacheKey, metadata });
  return { entries };
}
