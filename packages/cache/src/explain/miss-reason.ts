import type { CacheMissReason } from '@mad/core';

const REASONS: Readonly<Record<CacheMissReason, true>> = {
  no_entry: true,
  expired: true,
  invalidated: true,
  disowned: true,
  drifted: true,
  quarantined: true,
  low_confidence: true,
  not_repeatable: true,
  artifact_missing: true,
  artifact_unreadable: true,
  artifact_altered: true,
  result_altered: true,
  entry_altered: true,
  suspicious: true,
  off: true,
};

/** False for what a row holds that was written by other means. */
export function isMissReason(value: string | null): value is CacheMissReason {
  return value !== null && Object.hasOwn(REASONS, value);
}
