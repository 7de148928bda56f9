import type { CacheDecisionEvent, JobCache, JobRow, TaskExecutionRow, TracedStep } from '@mad/core';
import { leaderOf, leftAloneRule, NO_CACHE, REFRESH, waitedRule } from './decide-job.ts';
import type { Decided } from './decided.ts';
import { isMissReason } from './miss-reason.ts';
import { inFlightRule, plainRule, type Rule, servedRule } from './rule.ts';
import type { StoredDecision } from './stored-decisions.ts';

export interface StoredStep {
  readonly cache: JobCache;
  /** Of its job. */
  readonly status: JobRow['status'];
  /** Undefined where the step has not begun. */
  readonly stored: StoredDecision | undefined;
}

/** What was decided for a step instance, by what its job's rows tell; for one that has not begun, what stands before it. */
export function decideStep(traced: TracedStep, given: StoredStep): Decided {
  const { status, stored } = given;
  const { name: taskName, step } = traced;
  const identity = traced.kind === 'prepared' ? traced.identity : undefined;
  const about = { taskName, taskKey: step.identity.taskKey, identity };
  const { end, execution } = stored ?? {};
  const ended = end && decideEnd(end, stored);
  if (ended) return { ...about, decidedAt: end.ts, cacheKey: keyOf(end) ?? execution?.cache_key ?? null, ...ended };
  if (execution) {
    const { started_at: decidedAt, cache_key: cacheKey } = execution;
    const canceled = status === 'CANCELED' && stored?.status === 'CANCELED' ? 'after' : undefined;
    return { ...about, decidedAt, cacheKey, canceled, ...decideAttempt(execution, { traced, ...given }) };
  }
  const leader = leaderOf(stored?.joined);
  const verdict = leader === null ? decideOpen(traced, status) : decideWaiting(leader, status);
  return { ...about, decidedAt: null, cacheKey: identity?.cacheKey ?? null, ...verdict };
}

type Verdict = Pick<Decided, 'decision' | 'code' | 'rule' | 'waitedFor' | 'canceled'>;

function decideWaiting(jobId: string, status: JobRow['status']): Verdict {
  if (status !== 'CANCELED' && status !== 'FAILED') return { decision: 'waited', rule: inFlightRule({ jobId }) };
  const rule = plainRule('in_flight', `in flight: waited for job ${jobId}`, { waitedFor: jobId });
  return status === 'CANCELED'
    ? { decision: 'waited', rule, canceled: 'before' }
    : { decision: 'waited', rule: { ...rule, words: `${rule.words}; its job failed before it began` } };
}

function decideEnd({ event, metadata }: CacheDecisionEvent, stored: StoredDecision | undefined): Verdict | undefined {
  const text = (name: string) => (typeof metadata[name] === 'string' ? metadata[name] : '');
  if (event === 'TASK_CACHED') {
    const served = servedRule({ jobId: text('canonical_job_id'), confidence: null });
    const leader = leaderOf(stored?.joined);
    return leader === null
      ? { decision: 'hit', rule: served }
      : { decision: 'waited', rule: waitedRule(leader, served) };
  }
  if (event === 'TASK_REUSED') {
    const jobId = text('source_job_id');
    return { decision: 'reused', rule: plainRule('reused', `taken over from job ${jobId}`, { jobId }) };
  }
  if (event === 'TASK_SKIPPED') return skipped(text('reason'));
  return undefined;
}

function decideAttempt(
  { cache_outcome: outcome, cache_key: key, error }: TaskExecutionRow,
  { traced, cache, status, stored }: StoredStep & { readonly traced: TracedStep },
): Verdict {
  const { step } = traced;
  const leader = leaderOf(stored?.joined);
  const isMiss = isMissReason(outcome);
  if (leader !== null && (!isMiss || outcome === 'no_entry')) return { decision: 'miss', rule: leftAloneRule(leader) };
  if (isMiss) return { decision: 'miss', code: outcome, waitedFor: leader ?? undefined };
  if (outcome === 'hit')
    return { decision: 'miss', rule: plainRule('unknown', 'the entry was gone before it could be served') };
  if (error?.code === 'SKIPPED') return skipped(String(error.message));
  if (step.cache !== 'use')
    return { decision: 'not_asked', rule: plainRule(step.cache, `cache not asked: the step is set to ${step.cache}`) };
  if (!cache.use) return { decision: 'not_asked', rule: REFRESH };
  if (traced.kind === 'refused') return decideOpen(traced, status);
  if (key === null) return { decision: 'not_asked', rule: NO_CACHE };
  // A job that goes on in another process asks again before its next attempt.
  return { decision: 'not_asked', rule: plainRule('unknown', 'nothing tells what the cache was asked') };
}

function decideOpen(traced: TracedStep, status: JobRow['status']): Verdict {
  switch (traced.kind) {
    case 'skipped':
      return skipped(traced.reason);
    case 'refused':
      return { decision: 'failed', rule: plainRule('refused', `its request cannot be made: ${traced.error.message}`) };
  }
  if (status === 'CANCELED') return { decision: 'skipped', rule: CANCELED };
  if (status === 'FAILED') return skipped('its job failed before it began');
  switch (traced.kind) {
    case 'waits': {
      const waitsFor = traced.waitsFor.join(', ');
      return {
        decision: 'open',
        rule: plainRule('waits', `waits for ${waitsFor}`, { waitsFor: [...traced.waitsFor] }),
      };
    }
    case 'prepared':
      return { decision: 'open', rule: plainRule('waits', 'has not begun') };
  }
}

const CANCELED: Rule = plainRule('canceled', 'canceled before it began', { canceled: 'before' });

const skipped = (reason: string): Verdict => ({
  decision: 'skipped',
  rule: plainRule('skipped', `skipped: ${reason}`, { reason }),
});

function keyOf({ metadata }: CacheDecisionEvent): string | undefined {
  return typeof metadata.cache_key === 'string' ? metadata.cache_key : undefined;
}
