import {
  type CacheDecision,
  type CacheEntryRow,
  type ComputeTime,
  mayShare,
  type PreparedStep,
  type SeenCacheFlight,
  type TracedRequest,
  type TracedStep,
} from '@mad/core';
import { NO_CACHE, REFRESH } from './decide-job.ts';
import { type Expected, expectTime, remainingOf, sumInputBytes } from './expected-time.ts';
import type { NearestEntry } from './explanation.ts';
import type { PlannedPart, PlannedStep } from './plan.ts';
import { inFlightRule, missRule, plainRule, type Rule, servedRule } from './rule.ts';

/** What was looked up for a plan. */
export interface PlannedFrom {
  readonly traced: TracedRequest;
  /** Step instance → what the cache says; none where it would not be asked. */
  readonly decisions: ReadonlyMap<string, CacheDecision>;
  /** The job that the whole job would wait for. */
  readonly leader: string | undefined;
  /** Cache key → who computes it now. */
  readonly flights: ReadonlyMap<string, SeenCacheFlight>;
  /** Cache key → seconds for which that has run. */
  readonly elapsed: ReadonlyMap<string, number>;
  /** Cache key → the entry that is not served. */
  readonly entries: ReadonlyMap<string, CacheEntryRow>;
  /** Step instance, or `*`, → the nearest entry. */
  readonly nearest: ReadonlyMap<string, NearestEntry>;
  /** Task key → what it took before. */
  readonly times: ReadonlyMap<string, readonly ComputeTime[]>;
  /** Cache key → the instance of this job that would compute it; filled while the steps are planned in their order. */
  readonly computing: Map<string, string>;
}

export function planWhole(from: PlannedFrom): PlannedPart {
  const { traced, leader } = from;
  const { identity, decision, request } = traced;
  const cacheKey = identity?.cacheKey ?? null;
  const about = { cacheKey, nearest: null };
  if (decision.outcome === 'hit') return { ...about, outlook: 'hit', rule: servedBy(decision) };
  if (leader !== undefined) return { ...about, outlook: 'join', rule: inFlightRule({ jobId: leader }) };
  if (request.useCache === false) return { ...about, outlook: 'miss', rule: REFRESH };
  const uncached = traced.spec.tasks.find((step) => step.cache !== 'use');
  if (uncached) {
    const words = `cache off: step ${uncached.name} is set to ${uncached.cache}, so the job as a whole is not kept`;
    return { ...about, outlook: 'miss', rule: plainRule('off', words, { step: uncached.name }) };
  }
  if (cacheKey === null) return { ...about, outlook: 'miss', rule: NO_CACHE };
  return {
    cacheKey,
    outlook: 'miss',
    rule: missedBy(from, { decision, cacheKey }),
    nearest: from.nearest.get('*') ?? null,
  };
}

export function planStep(traced: TracedStep, from: PlannedFrom): PlannedStep {
  const { name: taskName, step } = traced;
  const { taskKey } = step.identity;
  const about = { taskName, taskKey, cacheKey: null, nearest: null, expected: null };
  switch (traced.kind) {
    case 'skipped':
      return { ...about, outlook: 'skip', rule: plainRule('skipped', `skipped: ${traced.reason}`) };
    case 'refused': {
      const words = `its request cannot be made: ${traced.error.message}`;
      return { ...about, outlook: 'fail', rule: plainRule('refused', words) };
    }
    case 'waits': {
      const { waitsFor, request } = traced;
      const rule = plainRule('waits', `unknown until ${waitsFor.join(', ')} has run`, { waitsFor: [...waitsFor] });
      const expected = expectTime(from.times.get(taskKey) ?? [], { request, inputBytes: null }) ?? null;
      return { ...about, outlook: 'unknown', rule, expected };
    }
    case 'prepared':
      return { ...about, ...planPrepared(traced, from) };
  }
}

function planPrepared(traced: PreparedStep, from: PlannedFrom): PlannedPart & { readonly expected: Expected | null } {
  const { name, step, request, task, identity } = traced;
  const decision = from.decisions.get(name);
  const cacheKey = identity?.cacheKey ?? null;
  if (decision?.outcome === 'hit')
    return { outlook: 'hit', rule: servedBy(decision), cacheKey, nearest: null, expected: null };
  const times = from.times.get(task.taskKey) ?? [];
  const expected = expectTime(times, { request, inputBytes: sumInputBytes(request) }) ?? null;
  if (cacheKey === null || !decision) {
    const words = `cache not asked: the step is set to ${step.cache}`;
    const rule =
      step.cache !== 'use' ? plainRule(step.cache, words) : from.traced.request.useCache === false ? REFRESH : NO_CACHE;
    return { outlook: 'miss', rule, cacheKey, nearest: null, expected };
  }
  const joined = mayShare(task.determinism, from.traced.demands) && joinedBy(from, { cacheKey, name });
  if (joined) {
    const left = expected && remainingOf(expected, from.elapsed.get(cacheKey) ?? 0);
    return { outlook: 'join', rule: joined, cacheKey, nearest: null, expected: left };
  }
  const rule = missedBy(from, { decision, cacheKey });
  return { outlook: 'miss', rule, cacheKey, nearest: from.nearest.get(name) ?? null, expected };
}

/** Who computes the same: another job now, or another instance of this one. */
function joinedBy(
  { flights, computing }: PlannedFrom,
  { cacheKey, name }: { readonly cacheKey: string; readonly name: string },
): Rule | undefined {
  const flight = flights.get(cacheKey);
  if (flight) return inFlightRule({ jobId: flight.job_id, taskName: flight.task_name ?? undefined });
  const other = computing.get(cacheKey);
  computing.set(cacheKey, other ?? name);
  if (other === undefined) return undefined;
  return plainRule('in_flight', `in flight: waits for ${other} of this job`, { taskName: other });
}

function missedBy(
  { entries, traced }: PlannedFrom,
  { decision, cacheKey }: { readonly decision: CacheDecision; readonly cacheKey: string },
): Rule {
  if (decision.outcome === 'hit') return servedBy(decision);
  const row = entries.get(cacheKey);
  const entry = row && {
    confidenceScore: row.confidence_score,
    determinism: row.determinism,
    expiresAt: row.expires_at,
    invalidatedAt: row.invalidated_at,
    reason: row.invalidated_reason,
  };
  return missRule(decision.reason, { entry, minConfidence: traced.demands.minConfidence ?? null });
}

function servedBy(hit: Extract<CacheDecision, { outcome: 'hit' }>): Rule {
  return servedRule({ jobId: hit.canonicalJobId, confidence: hit.confidenceScore });
}
