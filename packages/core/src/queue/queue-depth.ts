import type { OrgId } from '../ids.ts';
import type { QueueDepth } from '../ports/job-queue.ts';

/** What is known of one job, or of several alike. */
export interface DepthPart {
  readonly orgId: OrgId;
  readonly waiting: number;
  readonly running: number;
  /** How long the oldest of them has waited; null where none waits. */
  readonly oldestMs: number | null;
}

/** Adds up parts by organization; leaves out those for which nothing waits and nothing runs. */
export function sumDepths(parts: Iterable<DepthPart>): QueueDepth[] {
  const sums = new Map<OrgId, DepthPart>();
  for (const part of parts) {
    const sum = sums.get(part.orgId) ?? { orgId: part.orgId, waiting: 0, running: 0, oldestMs: null };
    sums.set(part.orgId, {
      orgId: part.orgId,
      waiting: sum.waiting + part.waiting,
      running: sum.running + part.running,
      oldestMs: part.oldestMs === null ? sum.oldestMs : Math.max(sum.oldestMs ?? 0, part.oldestMs),
    });
  }
  return [...sums.values()].filter(({ waiting, running }) => waiting + running > 0);
}
