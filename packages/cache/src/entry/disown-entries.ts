import { type AffectedJob, authorize, type Caller, checkRequest, disownEntryRows, listAffectedJobs } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { criteriaFacts, criteriaForm, reasonForm, requireCriterion, type WithdrawEntries } from './entry-criteria.ts';

/** What is not trusted any more; `reason` is kept in the history of each entry and in the audit trail. */
export type DisownEntries = WithdrawEntries;

const form = z.strictObject({ ...criteriaForm, reason: reasonForm.optional() });

export interface DisownedEntries {
  /** That left service, or with `dryRun` would. */
  readonly entries: number;
  /** Every job with such a result, whether or not its entry is still there; a job that has several is named for each. */
  readonly jobs: readonly UsingJob[];
}

export interface UsingJob {
  readonly jobId: string;
  readonly cacheKey: string;
  /** It computed the result; was given it for a step, by the cache or from the job that it was forked from; was given a job with it as a whole. */
  readonly how: AffectedJob['how'];
}

/**
 * Takes the entries out of service that were computed by what is named, with those of whole jobs that serve the same rows, and lists the jobs that have
 * such results. The jobs stay as they are. Asked again it finds the same jobs.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} without a criterion, or for what is none
 */
export async function disownEntries(
  platform: Pick<CachePlatform, 'results' | 'metadata'>,
  caller: Caller,
  request: DisownEntries,
): Promise<DisownedEntries> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'disowning', value: request });
  const { cacheKey, reason, dryRun = false } = request;
  const criteria = requireCriterion(request);
  const results = await platform.results.get(caller.orgId);
  const entries = await disownEntryRows(results, { ...criteria, reason, dryRun, actor: caller.userId });
  const affected = await listAffectedJobs(results, criteria);
  const jobs = affected.map(({ job_id, cache_key, how }) => ({ jobId: job_id, cacheKey: cache_key, how }));
  const facts = { criteria: criteriaFacts(criteria), ...(reason !== undefined && { reason }) };
  const metadata = { ...facts, entries, jobs: new Set(jobs.map(({ jobId }) => jobId)).size };
  if (!dryRun) await auditEntries(platform, caller, { action: 'cache.disown', cacheKey, metadata });
  return { entries, jobs };
}
