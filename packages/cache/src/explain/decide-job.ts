import type { CacheDecisionEvent, CacheIdentity, JobCache, JobRow, PublishedSpec } from '@mad/core';
import type { Decided } from './decided.ts';
import { isMissReason } from './miss-reason.ts';
import { inFlightRule, plainRule, type Rule, servedRule } from './rule.ts';

export interface StoredJob {
  readonly job: JobRow;
  readonly cache: JobCache;
  /** That it waits, or waited, for an equal job. */
  readonly joined: CacheDecisionEvent | undefined;
  readonly spec: PublishedSpec | undefined;
  readonly identity: CacheIdentity | undefined;
}

/** What was decided for a whole job when it was submitted. */
export function decideJob(stored: StoredJob): Decided {
  const { job, cache, identity } = stored;
  const about = { taskName: '*', taskKey: null, decidedAt: job.created_at, cacheKey: cache.cache_key, identity };
  return { ...about, ...decide(stored) };
}

function decide({ job, cache, joined, spec }: StoredJob): Pick<Decided, 'decision' | 'code' | 'rule'> {
  const leader = leaderOf(joined) ?? job.leader_job_id;
  if (job.canonical_job_id !== null) {
    const served = servedRule({ jobId: job.canonical_job_id, confidence: null });
    return leader === null
      ? { decision: 'hit', rule: served }
      : { decision: 'waited', rule: waitedRule(leader, served) };
  }
  if (job.leader_job_id !== null && job.status === 'PENDING')
    return { decision: 'waited', rule: inFlightRule({ jobId: job.leader_job_id }) };
  if (leader !== null) return { decision: 'miss', rule: leftAloneRule(leader) };
  if (!cache.use) return { decision: 'not_asked', rule: REFRESH };
  const uncached = spec?.tasks.find((step) => step.cache !== 'use');
  if (uncached) {
    const words = `cache off: step ${uncached.name} is set to ${uncached.cache}, so the job as a whole is not kept`;
    return { decision: 'not_asked', rule: plainRule('off', words, { step: uncached.name }) };
  }
  if (!isMissReason(cache.reason)) return { decision: 'not_asked', rule: plainRule('unknown', 'nothing tells') };
  if (cache.reason === 'off') return { decision: 'not_asked', rule: NO_CACHE };
  return { decision: 'miss', code: cache.reason };
}

export const REFRESH: Rule = plainRule('refresh', 'cache not asked: submitted with useCache false');
export const NO_CACHE: Rule = plainRule('off', 'cache off: there was none');

export function leaderOf(joined: CacheDecisionEvent | undefined): string | null {
  const leader = joined?.metadata.leader_job_id;
  return typeof leader === 'string' ? leader : null;
}

/** What was waited for came. */
export function waitedRule(jobId: string, { facts }: Rule): Rule {
  return { code: 'in_flight', words: `in flight: waited for job ${jobId}`, facts: { ...facts, waitedFor: jobId } };
}

/** What was waited for came to nothing. */
export function leftAloneRule(jobId: string): Rule {
  const words = `in flight: waited for job ${jobId}, which left no result to serve`;
  return { code: 'in_flight', words, facts: { waitedFor: jobId } };
}
