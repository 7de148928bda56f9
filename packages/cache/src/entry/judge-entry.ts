import {
  type CacheMissReason,
  type CacheQuestion,
  isRepeatable,
  type LookedUpEntry,
  type OrgId,
  stepContentDigest,
} from '@mad/core';
import type { Sealer } from './seal.ts';

/** Reasons for which an entry is out of service for good because something of it was lost or altered. */
export const DAMAGES = ['artifact_missing', 'artifact_altered', 'result_altered', 'entry_altered'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Why an entry that was taken out of service is not served; `invalidated_reason` of its row tells. */
export function reasonOf(invalidated: string): CacheMissReason {
  if (DAMAGES.some((damage) => damage === invalidated)) return 'quarantined';
  return invalidated === 'disowned' || invalidated === 'drifted' ? invalidated : 'invalidated';
}

/** Why the entry may not be served to who asks this; undefined when nothing stands against it but what verification may find. */
export function findObstacle(
  entry: LookedUpEntry,
  question: Pick<CacheQuestion, 'minConfidence' | 'acceptStochastic'>,
  minConfidence?: number,
): CacheMissReason | undefined {
  if (entry.invalidated !== null) return reasonOf(entry.invalidated);
  if (entry.is_expired) return 'expired';
  const wanted = question.minConfidence ?? minConfidence;
  // None at all is asked for by 0, also of what is not scored.
  if (wanted !== undefined && wanted > 0 && (entry.confidence_score ?? 0) < wanted) return 'low_confidence';
  if (question.acceptStochastic !== true && !isRepeatable(entry.determinism)) return 'not_repeatable';
  return undefined;
}

/** What is wrong with the entry or the rows that it serves; undefined when they are as they were sealed. */
export function findAlteration(
  sealer: Sealer,
  orgId: OrgId,
  entry: LookedUpEntry,
): 'entry_altered' | 'result_altered' | 'foreign' | undefined {
  const verdict = sealer.judge(orgId, entry);
  if (verdict === 'broken') return 'entry_altered';
  if (contentDigestOf(entry) !== entry.content_digest) return 'result_altered';
  return verdict === 'foreign' ? 'foreign' : undefined;
}

/** SHA-256 over the rows that the entry would serve; null when they are gone. */
export function contentDigestOf(entry: LookedUpEntry): string | null {
  if (entry.task_name === '*') return entry.job_digest;
  return entry.result === null ? null : stepContentDigest(entry.service_name, entry.schema_version, entry.result);
}
