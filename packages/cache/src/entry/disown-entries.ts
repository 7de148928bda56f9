import { type AffectedJob, authorize, type Caller, checkRequest, disownEntryRows, listAffectedJobs } from '@mad/core';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { type Between, criteriaFacts, requireCriterion } from './entry-criteria.ts';
import { between, name } from './request-forms.ts';

/** What is not trusted any more, joined by "and"; at least one criterion. */
export interface DisownEntries {
  /** Or engine version, where a task names no image. */
  readonly imageDigest?: string | undefined;
  /** Name of the service that answered. */
  readonly service?: string | undefined;
  readonly task?: { readonly taskKey: string; readonly version?: string | undefined } | undefined;
  /** When the result was recorded. */
  readonly between?: Between | undefined;
}

// Strict: a misspelled criterion that was passed over would mean more entries.
const form = z.strictObject({
  imageDigest: name.optional(),
  service: name.optional(),
  task: z.strictObject({ taskKey: name, version: name.optional() }).optional(),
  between: between.optional(),
});

export interface DisownedEntries {
  /** That left service. */
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
  const { imageDigest, service, task, between: range } = request;
  const of = { taskKey: task?.taskKey, version: task?.version, producer: imageDigest, service };
  const criteria = requireCriterion({ ...of, from: range?.from, to: range?.to });
  const results = await platform.results.get(caller.orgId);
  const entries = await disownEntryRows(results, { ...criteria, actor: caller.userId });
  const affected = await listAffectedJobs(results, criteria);
  const jobs = affected.map(({ job_id, cache_key, how }) => ({ jobId: job_id, cacheKey: cache_key, how }));
  const metadata = { criteria: criteriaFacts(criteria), entries, jobs: new Set(jobs.map(({ jobId }) => jobId)).size };
  await auditEntries(platform, caller, { action: 'cache.disown', metadata });
  return { entries, jobs };
}
