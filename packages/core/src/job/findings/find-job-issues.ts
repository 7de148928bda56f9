import type { JobAudit } from '../../results/job-audit.repository.ts';
import { raiseEventNumber } from '../../results/job-audit.repository.ts';
import { finishOpenTaskExecutions } from '../../results/task-execution.repository.ts';
import { isTerminal } from '../states.ts';
import type { Examined } from './examined.ts';
import type { Issue } from './finding.ts';

/** What disagrees within the Results DB: leases nobody claims, attempts that outlived their job, timelines that are not 1..n. */
export function* findJobIssues(examined: Examined, jobs: readonly JobAudit[]): Generator<Issue> {
  for (const job of jobs) {
    if (job.lease_overdue_ms !== null) yield toLeaseIssue(examined, job, job.lease_overdue_ms);
    if (isTerminal(job.status) && job.open_attempts > 0) yield toAttemptIssue(examined, job);
    if (job.event_count !== job.newest_event || job.last_event_seq !== job.newest_event)
      yield toEventsIssue(examined, job);
  }
}

function toLeaseIssue(
  { platform, orgId }: Examined,
  { job_id: jobId, priority, resource_class }: JobAudit,
  overdueMs: number,
): Issue {
  const { queue } = platform;
  return {
    kind: 'lease_expired',
    jobId,
    found: `RUNNING, and its lease ran out ${Math.round(overdueMs / 1000)} s ago`,
    remedy: queue ? 'enqueue it' : 'start an executor: it takes such jobs over by itself',
    mend: queue && (() => queue.enqueue([{ orgId, jobId, priority, resourceClass: resource_class }])),
  };
}

function toAttemptIssue({ results }: Examined, { job_id: jobId, status, open_attempts }: JobAudit): Issue {
  const end = status === 'FAILED' ? 'FAILED' : 'CANCELED';
  return {
    kind: 'attempt_open',
    jobId,
    found: `${status}, and ${open_attempts} of its attempts go on`,
    remedy: `end them as ${end}`,
    mend: () => finishOpenTaskExecutions(results, { jobId, status: end }),
  };
}

/** A counter behind its events would number the next one a second time. What is missing between or behind them nobody can write again. */
function toEventsIssue(
  { results }: Examined,
  { job_id: jobId, event_count, newest_event, last_event_seq }: JobAudit,
): Issue {
  const isWhole = event_count === newest_event;
  const isCounterBehind = last_event_seq < newest_event;
  return {
    kind: 'events_gap',
    jobId,
    found: `${event_count} events, the newest is number ${newest_event}, the counter says ${last_event_seq}`,
    remedy: isWhole && isCounterBehind ? 'raise the counter' : 'events are lost: restore job_events from a backup',
    mend:
      isWhole && isCounterBehind
        ? () => results.transaction().execute((tx) => raiseEventNumber(tx, { jobId }))
        : undefined,
  };
}
