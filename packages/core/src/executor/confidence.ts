import type { JsonObject } from '../json.ts';

/** The confidence a task states in its response as `confidence_score`, 0..1; null where it states none. */
export function confidenceOf(result: JsonObject): number | null {
  const score = result.confidence_score;
  return typeof score === 'number' && score >= 0 && score <= 1 ? score : null;
}

/** The confidence of a whole job: that of its least certain scored step; null when none is scored. */
export function lowestConfidence(scores: Iterable<number | null>): number | null {
  let lowest: number | null = null;
  for (const score of scores) if (score !== null && (lowest === null || score < lowest)) lowest = score;
  return lowest;
}
