import type { CacheMiss, JsonObject } from '@mad/core';

/** What of an entry decides whether it may be served, before its artifacts are looked at. */
export interface JudgedEntry {
  readonly invalidated_at: Date | null;
  readonly expires_at: Date | null;
  readonly confidence_score: number | null;
  readonly key_components: JsonObject;
}

export interface EntryDemands {
  readonly now: Date;
  /** Absent: any confidence. */
  readonly minConfidence?: number | undefined;
  readonly acceptStochastic?: boolean | undefined;
}

/**
 * Why the entry may not be served to this caller; undefined when it may. No score is no ground where no threshold is set, and never enough where
 * one is. An entry whose components do not say that it is repeatable counts as one that is not.
 */
export function judgeEntry(
  entry: JudgedEntry,
  { now, minConfidence, acceptStochastic = false }: EntryDemands,
): CacheMiss['reason'] | undefined {
  const { determinism } = entry.key_components;
  if (entry.invalidated_at !== null) return 'invalidated';
  if (entry.expires_at !== null && entry.expires_at <= now) return 'expired';
  if (minConfidence !== undefined && (entry.confidence_score ?? Number.NEGATIVE_INFINITY) < minConfidence)
    return 'low_confidence';
  if (!acceptStochastic && determinism !== 'exact' && determinism !== 'seeded') return 'not_repeatable';
  return undefined;
}
