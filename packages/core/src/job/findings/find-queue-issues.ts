import { countDueJobs, listDueJobs } from '../../results/due-job.repository.ts';
import type { Examined } from './examined.ts';
import type { Issue } from './finding.ts';

/** More jobs that are due than the queue holds. Which of them it lost, no queue tells: all are enqueued, and it drops what it has. */
export async function* findQueueIssues({ platform, orgId, results, signal }: Examined): AsyncGenerator<Issue> {
  const { queue } = platform;
  if (!queue) return;
  const due = await countDueJobs(results);
  const depth = (await queue.depth()).find((organization) => organization.orgId === orgId);
  const held = (depth?.waiting ?? 0) + (depth?.running ?? 0);
  if (due <= held) return;
  yield {
    kind: 'jobs_not_queued',
    jobId: null,
    found: `${due} jobs are due, and the queue holds ${held}`,
    remedy: 'enqueue what is due',
    mend: async () => {
      let cursor: string | undefined;
      do {
        const page = await listDueJobs(results, { cursor, limit: 500 });
        const messages = page.items.map((job) => ({
          orgId,
          jobId: job.job_id,
          priority: job.priority,
          resourceClass: job.resource_class,
        }));
        if (messages.length > 0) await queue.enqueue(messages);
        cursor = page.nextCursor;
      } while (cursor !== undefined && !signal?.aborted);
    },
  };
}
