import { systemClock } from '../clock.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { getJob } from '../results/job.repository.ts';
import { listJobEvents } from '../results/job-event.repository.ts';
import type { Caller } from './caller.ts';
import { getPermittedJob } from './get-permitted-job.ts';
import { isTerminal } from './states.ts';

/** One line of a job's timeline. */
export interface JobEvent {
  /** 1..n without a gap; the cursor to resume from. */
  readonly seq: number;
  readonly ts: Date;
  /** `QUEUED`, `STARTED`, `TASK_STARTED`, `TASK_PROGRESS`, `TASK_COMPLETED`, `TASK_CACHED`, `COMPLETED`, `FAILED`, `CANCELED` … */
  readonly event: string;
  /** Step instance for the events of a task, else what there is to say. */
  readonly detail: string | null;
  readonly metadata: JsonObject;
}

export interface FollowJob {
  readonly jobId: string;
  /** Only events after this one. @default 0 */
  readonly afterSeq?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every event of a job in order, those to come included, until its terminal one or until the signal aborts. After a break, go on with the
 * last `seq` seen: nothing is missed or repeated.
 * @throws {PermissionDeniedError} without `job.view`, or `job.view:own` for a job of the caller's own
 * @throws {NotFoundError}
 */
export async function* followJob(
  platform: Platform,
  caller: Caller,
  { jobId, afterSeq = 0, signal }: FollowJob,
): AsyncGenerator<JobEvent, void> {
  const { clock = systemClock } = platform;
  const results = await platform.results.get(caller.orgId);
  await getPermittedJob(results, caller, { jobId, permission: 'job.view' });
  let last = afterSeq;
  while (!signal?.aborted) {
    const { status } = await getJob(results, { jobId });
    const events = await listJobEvents(results, { jobId, afterSeq: last });
    for (const { seq_no: seq, ts, event, detail, metadata } of events) {
      last = seq;
      yield { seq, ts, event, detail, metadata };
    }
    // The status was read first: once it is terminal, the events read after it are all there will be.
    if (events.length === 0 && isTerminal(status)) return;
    if (events.length === 0) await clock.sleep(100, signal).catch(() => {});
  }
}
