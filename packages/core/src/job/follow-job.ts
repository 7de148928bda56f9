import type { Caller } from '../access/caller.ts';
import { ValidationFailedError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { getPermittedJob } from './get-permitted-job.ts';
import { RelayedTimeline } from './relayed-timeline.ts';

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
  /** Set on what an equal job does that this one waits for; `seq` is then that of the last event of its own. */
  readonly leaderJobId?: string | undefined;
}

export interface FollowJob {
  readonly jobId: string;
  /** Only events after this one. @default 0 */
  readonly afterSeq?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every event of a job in order, those to come included, until its terminal one or until the signal aborts. While it waits for an equal job, also
 * what the steps of that one do. After a break, go on with the
 * last `seq` seen: nothing is missed or repeated. A thousand followers in a process cost the database what one costs; a slow consumer holds some
 * hundred events at most, and `return()` ends a wait at once. A database that is away for some seconds is waited for.
 * @throws {PermissionDeniedError} without `job.view`, or `job.view:own` for a job of the caller's own
 * @throws {NotFoundError}
 * @throws {ValidationFailedError} when `afterSeq` is no number of an event
 */
export function followJob(
  platform: Platform,
  caller: Caller,
  { jobId, afterSeq, signal }: FollowJob,
): AsyncGenerator<JobEvent, void> {
  const stop = new AbortController();
  const events = readEvents(platform, caller, { jobId, afterSeq, signal, stop });
  // A generator of its own would keep `return()` waiting for the event that a pending `next()` waits for.
  const leave = () => stop.abort();
  const follower: AsyncGenerator<JobEvent, void> = {
    next: () => events.next(),
    return() {
      leave();
      return events.return();
    },
    throw(error) {
      leave();
      return events.throw(error);
    },
    [Symbol.asyncIterator]: () => follower,
    async [Symbol.asyncDispose]() {
      await follower.return();
    },
  };
  return follower;
}

async function* readEvents(
  platform: Platform,
  caller: Caller,
  { jobId, afterSeq = 0, signal, stop }: FollowJob & { readonly stop: AbortController },
): AsyncGenerator<JobEvent, void> {
  if (!Number.isSafeInteger(afterSeq) || afterSeq < 0) {
    throw new ValidationFailedError({
      subject: 'afterSeq',
      issues: [{ pointer: '', message: 'expected the seq of an event, or 0 for all of them' }],
    });
  }
  const results = await platform.results.get(caller.orgId);
  const { job_id } = await getPermittedJob(results, caller, { jobId, permission: 'job.view' });
  const onAbort = () => stop.abort();
  if (signal?.aborted) return;
  signal?.addEventListener('abort', onAbort, { once: true });
  using timeline = new RelayedTimeline(platform, { orgId: caller.orgId, jobId: job_id });
  try {
    for (let last = afterSeq; ; ) {
      const news = await timeline.read(last, stop.signal);
      if ('leaderJobId' in news) {
        const { leaderJobId } = news;
        for (const { ts, event, detail, metadata } of news.events) {
          if (stop.signal.aborted) return;
          yield { seq: last, ts, event, detail, metadata, leaderJobId };
        }
        continue;
      }
      if (!news.own) return;
      for (const { seq_no: seq, ts, event, detail, metadata } of news.own.events) {
        if (stop.signal.aborted) return;
        last = seq;
        yield { seq, ts, event, detail, metadata };
      }
      if (news.own.isOver) return;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
