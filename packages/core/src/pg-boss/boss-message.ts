import type { OrgId } from '../ids.ts';
import type { JobMessage } from '../ports/job-queue.ts';
import { DEFAULT_RESOURCE_CLASS, type QueueLimits, rankOf } from '../queue/queue-limits.ts';

/** What a message of pg-boss carries. */
export interface BossMessage {
  readonly orgId: OrgId;
  readonly jobId: string;
  readonly priority: number;
  readonly resourceClass: string;
  /** `rankOf` the message. */
  readonly rank: number;
  /** Deliveries in a row that were rejected. */
  readonly rejections: number;
}

/** The message as pg-boss keeps it. By this machine's clock: one that is seconds off changes the order by as much, nothing else. */
export function toBossMessage(limits: QueueLimits, message: JobMessage): BossMessage {
  const { orgId, jobId, priority, resourceClass = DEFAULT_RESOURCE_CLASS } = message;
  const dueAt = Math.max(message.runAfter?.getTime() ?? 0, Date.now());
  return { orgId, jobId, priority, resourceClass, rank: rankOf(limits, { dueAt, priority }), rejections: 0 };
}

export function toJobMessage({ orgId, jobId, priority, resourceClass }: BossMessage): JobMessage {
  return { orgId, jobId, priority, resourceClass };
}

const EPOCH_MS = Date.UTC(2026, 0, 1);
const INT32 = 2_147_483_647;

/** The rank as pg-boss's priority, an int32 of which the highest comes first: whole seconds, which last until 2094. Within one, pg-boss is FIFO. */
export function toBossPriority(rank: number): number {
  return Math.max(-INT32, Math.min(INT32, Math.round((EPOCH_MS - rank) / 1000)));
}

/** The rank that a priority stands for. */
export function toRank(bossPriority: number): number {
  return EPOCH_MS - bossPriority * 1000;
}
