import type { CacheMissReason, JsonObject } from '@mad/core';

/**
 * The rule behind a decision: why the cache had nothing to serve, or one of these. `served`; `in_flight`: a job computes it, and it is waited for;
 * `refresh`: asked to compute again; `reused`, `skipped`, `refused`; `canceled`: its job was, before it began; `waits`: what the step reads is not there
 * yet; `unknown`: nothing tells.
 */
export type RuleCode =
  | CacheMissReason
  | 'served'
  | 'in_flight'
  | 'refresh'
  | 'reused'
  | 'skipped'
  | 'refused'
  | 'canceled'
  | 'waits'
  | 'unknown';

/** A rule with its figures: `confidence 0.41 < 0.6`. */
export interface Rule {
  readonly code: RuleCode;
  readonly words: string;
  /** The figures by name: `confidence`, `minConfidence`, `expiredAt`, `jobId`, `reason` … */
  readonly facts: JsonObject;
}

/** What is known of the entry that was not served. */
export interface RefusedEntry {
  readonly confidenceScore: number | null;
  readonly determinism: string | null;
  readonly expiresAt: Date | null;
  readonly invalidatedAt: Date | null;
  readonly reason: string | null;
}

/** What was asked of it. */
export interface Demands {
  readonly minConfidence: number | null;
}

/** Why an entry was not served, with its figures as far as they are still known. */
export function missRule(
  code: CacheMissReason,
  { entry, minConfidence }: Demands & { readonly entry: RefusedEntry | undefined },
): Rule {
  const {
    confidenceScore: confidence = null,
    determinism = null,
    expiresAt,
    invalidatedAt,
    reason = null,
  } = entry ?? {};
  const at = invalidatedAt ? ` at ${invalidatedAt.toISOString()}` : '';
  const why = reason ? `: ${reason.replaceAll('_', ' ')}` : '';
  const barred: JsonObject = { at: invalidatedAt?.toISOString() ?? null, reason };
  switch (code) {
    case 'no_entry':
      return { code, words: 'no entry', facts: {} };
    case 'low_confidence':
      return { code, words: confidenceWords(entry, minConfidence), facts: { confidence, minConfidence } };
    case 'expired':
      return expiresAt
        ? { code, words: `expired at ${expiresAt.toISOString()}`, facts: { expiredAt: expiresAt.toISOString() } }
        : { code, words: 'expired', facts: {} };
    case 'not_repeatable': {
      const words = `${determinism ?? 'its task'} does not come out the same again: served only to those who accept that`;
      return { code, words, facts: { determinism } };
    }
    case 'invalidated':
      if (entry && !invalidatedAt)
        return { code, words: 'not served: sealed with another secret', facts: { seal: 'foreign' } };
      return { code, words: `${code}${at}${why}`, facts: barred };
    case 'quarantined':
      return { code, words: `${code}${at}${why}`, facts: barred };
    case 'disowned':
      return { code, words: `disowned${at}: what computed it is not trusted any more`, facts: barred };
    case 'drifted':
      return { code, words: `drifted${at}: computed again it came out otherwise`, facts: barred };
    case 'suspicious':
      return { code, words: 'no poses, or an absurd score: computed again, as the pipeline says', facts: {} };
    case 'off':
      return { code, words: 'cache off', facts: {} };
    default:
      return {
        code,
        words: `${code.replaceAll('_', ' ')}${invalidatedAt ? ': the entry was quarantined' : ''}`,
        facts: barred,
      };
  }
}

function confidenceWords(entry: RefusedEntry | undefined, minConfidence: number | null): string {
  const wanted = minConfidence ?? 'the least that the cache serves';
  if (!entry) return `confidence below ${wanted}`;
  return entry.confidenceScore === null
    ? `not scored, and a confidence of ${wanted} is asked for`
    : `confidence ${entry.confidenceScore} < ${wanted}`;
}

export function servedRule(facts: { readonly jobId: string; readonly confidence: number | null }): Rule {
  const { jobId, confidence } = facts;
  const scored = confidence === null ? '' : `, confidence ${confidence}`;
  return { code: 'served', words: `served: the result of job ${jobId}${scored}`, facts: { jobId, confidence } };
}

export function inFlightRule(facts: { readonly jobId: string | null; readonly taskName?: string | undefined }): Rule {
  const { jobId, taskName = null } = facts;
  const who = jobId === null ? 'another job' : `job ${jobId}`;
  return { code: 'in_flight', words: `in flight: waits for ${who}`, facts: { jobId, taskName } };
}

/** A rule without figures. */
export function plainRule(code: RuleCode, words: string, facts: JsonObject = {}): Rule {
  return { code, words, facts };
}
