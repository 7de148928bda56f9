import type { CacheDecisionEvent, CacheIdentity, JobCache, JobRow, PublishedSpec } from '@mad/core';
import type { Decided } from './decided.ts';
import type { EndedLeader } from './ended-leader.ts';
import { isMissReason } from './miss-reason.ts';
import { inFlightRule, missRule, plainRule, type Rule, servedRule } from './rule.ts';

export interface StoredJob {
  readonly job: JobRow;
  readonly cache: JobCache;
  /** That it waits, or waited, for an equal job. */
  readonly joined: CacheDecisionEvent | undefined;
  /** The job it waited for, once that is over. */
  readonly leader: EndedLeader | undefined;
  readonly spec: PublishedSpec | undefined;
  readonly identity: CacheIdentity | undefined;
}

/** What was decided for a whole job when it was submitted. */
export function decideJob(stored: StoredJob): Decided {
  const { job, cache, identity } = stored;
  const about = { taskName: '*', taskKey: null, decidedAt: job.created_at, cacheKey: cache.cache_key, identity };
  const canceled = job.status === 'CANCELED' ? (hasBegun(job) ? 'after' : 'before') : undefined;
  return { ...about, canceled, ...decide(stored) };
}

/** An executor has claimed it. */
const hasBegun = ({ timings }: JobRow): boolean => timings.started !== undefined;

function decide(stored: StoredJob): Pick<Decided, 'decision' | 'code' | 'rule'> {
  const { job, cache, joined, spec } = stored;
  const leader = leaderOf(joined) ?? job.leader_job_id;
  if (job.canonical_job_id !== null) {
    const served = servedRule({ jobId: job.canonical_job_id, confidence: null });
    return leader === null
      ? { decision: 'hit', rule: served }
      : { decision: 'waited', rule: waitedRule(leader, served) };
  }
  if (job.leader_job_id !== null && job.status === 'PENDING')
    return { decision: 'waited', rule: inFlightRule({ jobId: job.leader_job_id }) };
  if (leader !== null) return decideAlone(stored, leader);
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

/** Of a job that waited and was given nothing. */
function decideAlone({ job, cache, leader }: StoredJob, jobId: string): Pick<Decided, 'decision' | 'rule'> {
  // Whether what it waited for would have come is not known.
  if ((job.status === 'CANCELED' || job.status === 'FAILED') && !hasBegun(job)) {
    const words = `${waitedWords(jobId)}${job.status === 'FAILED' ? '; failed before it began' : ''}`;
    return { decision: 'waited', rule: plainRule('in_flight', words, { waitedFor: jobId }) };
  }
  const { min_confidence: minConfidence } = cache;
  if (leader?.status !== 'COMPLETED' || minConfidence === null || (leader.confidence ?? 0) >= minConfidence)
    return { decision: 'miss', rule: leftAloneRule(jobId, leader) };
  const { confidence: confidenceScore } = leader;
  const entry = { confidenceScore, determinism: null, expiresAt: null, invalidatedAt: null, reason: null };
  return { decision: 'miss', rule: afterWaiting(jobId, missRule('low_confidence', { entry, minConfidence })) };
}

export const REFRESH: Rule = plainRule('refresh', 'cache not asked: submitted with useCache false');
export const NO_CACHE: Rule = plainRule('off', 'cache off: there was none');

export function leaderOf(joined: CacheDecisionEvent | undefined): string | null {
  const leader = joined?.metadata.leader_job_id;
  return typeof leader === 'string' ? leader : null;
}

const waitedWords = (jobId: string): string => `in flight: waited for job ${jobId}`;

/** What was waited for came. */
export function waitedRule(jobId: string, { facts }: Rule): Rule {
  return { code: 'in_flight', words: waitedWords(jobId), facts: { ...facts, waitedFor: jobId } };
}

/** What was waited for was not good enough. */
export function afterWaiting(jobId: string, { code, words, facts }: Rule): Rule {
  return { code, words: `waited for job ${jobId}: ${words}`, facts: { ...facts, waitedFor: jobId } };
}

/** What was waited for came to nothing. */
export function leftAloneRule(jobId: string, leader?: EndedLeader | undefined): Rule {
  const end =
    leader?.status === 'CANCELED' ? 'was canceled' : leader?.status === 'FAILED' ? 'failed' : 'left no result to serve';
  return { code: 'in_flight', words: `${waitedWords(jobId)}, which ${end}`, facts: { waitedFor: jobId } };
}
