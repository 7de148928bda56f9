import type { Caller } from '../access/caller.ts';
import type { Platform } from '../platform.ts';
import type { TerminalJobStatus } from '../results/tables/job-status.ts';
import { followTimeline } from './follow-timeline.ts';
import { getPermittedJob } from './get-permitted-job.ts';
import { isTerminal } from './states.ts';

export interface WaitForJob {
  readonly jobId: string;
  /** Rejects with the signal's reason as soon as it aborts; the job goes on. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * How the job ended, as soon as it has. Waiting costs what following costs: next to nothing.
 * @throws {PermissionDeniedError} without `job.view`, or `job.view:own` for a job of the caller's own
 * @throws {NotFoundError}
 */
export async function waitForJob(
  platform: Platform,
  caller: Caller,
  { jobId, signal = new AbortController().signal }: WaitForJob,
): Promise<TerminalJobStatus> {
  const results = await platform.results.get(caller.orgId);
  const job = await getPermittedJob(results, caller, { jobId, permission: 'job.view' });
  if (isTerminal(job.status)) return job.status;
  using follower = followTimeline(platform, { orgId: caller.orgId, jobId: job.job_id });
  for (let last = job.last_event_seq; ; ) {
    const news = await follower.readAfter(last, signal);
    if (!news) throw signal.reason;
    if (news.status && isTerminal(news.status)) return news.status;
    last = news.events.at(-1)?.seq_no ?? last;
  }
}
