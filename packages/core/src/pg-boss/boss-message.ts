import { ValidationFailedError } from '../errors.ts';
import { isUuid, type OrgId } from '../ids.ts';
import { isJsonObject } from '../json.ts';
import type { JobMessage } from '../ports/job-queue.ts';
import { DEFAULT_RESOURCE_CLASS, type QueueLimits, rankOf } from '../queue/queue-limits.ts';
import type { Lane } from './queue-name.ts';

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

/**
 * The message as pg-boss keeps it. By this machine's clock: one that is seconds off changes the order by as much, nothing else.
 * @throws {ValidationFailedError} for what is no job's id.
 */
export function toBossMessage(limits: QueueLimits, message: JobMessage): BossMessage {
  const { orgId, jobId, priority, resourceClass = DEFAULT_RESOURCE_CLASS } = message;
  if (!isUuid(jobId)) {
    const issues = [{ pointer: '/jobId', message: 'expected a uuid' }];
    throw new ValidationFailedError({ subject: 'queue message', issues });
  }
  const dueAt = Math.max(message.runAfter?.getTime() ?? 0, Date.now());
  return { orgId, jobId, priority, resourceClass, rank: rankOf(limits, { dueAt, priority }), rejections: 0 };
}

/**
 * The message of what was fetched, whoever put it there: its organization and resource class are those of the lane it lay in. Undefined where it
 * names no job.
 */
export function readBossMessage(data: unknown, { lane, bossPriority }: { lane: Lane; bossPriority: number }) {
  if (!isJsonObject(data) || !isUuid(data.jobId)) return undefined;
  const { jobId, priority, rank, rejections } = data;
  return {
    ...lane,
    jobId,
    priority: isNumber(priority) ? priority : 0,
    rank: isNumber(rank) ? rank : toRank(bossPriority),
    rejections: isNumber(rejections) ? rejections : 0,
  } satisfies BossMessage;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

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
