import { inOrganization } from '../../metadata/metadata-database.ts';
import { listMirrorsAfter, type MirrorPoint } from '../../metadata/mirror-point.repository.ts';
import { hasJobs } from '../../results/job-audit.repository.ts';
import { listMirroredJobs } from '../../results/mirrored-job.repository.ts';
import type { Examined } from './examined.ts';
import type { Issue } from './finding.ts';
import { deleteUnknown } from './mend-mirror.ts';

const PAGE = 500;

/** Lines of the Metadata DB whose job is not in the Results DB. */
export async function* findUnknownJobs(examined: Examined): AsyncGenerator<Issue> {
  const { platform, orgId, results, graceMs, signal } = examined;
  let afterJobId = '00000000-0000-0000-0000-000000000000';
  while (!signal?.aborted) {
    const request = { afterJobId, limit: PAGE, graceMs };
    const mirrors = await inOrganization(platform.metadata, orgId, (tx) => listMirrorsAfter(tx, request));
    const jobs = await listMirroredJobs(results, { jobIds: mirrors.map((mirror) => mirror.job_id) });
    const known = new Set(jobs.map((job) => job.job_id));
    const unknown = mirrors.filter((mirror) => !known.has(mirror.job_id));
    const isLost = unknown.length > 0 && !(await hasJobs(results));
    for (const mirror of unknown) yield toIssue(examined, mirror, isLost);
    if (mirrors.length < PAGE) return;
    afterJobId = mirrors.at(-1)?.job_id ?? afterJobId;
  }
}

/** A Results DB without a single job was rather lost than emptied: what still tells of its jobs is left for people. */
function toIssue(examined: Examined, { job_id: jobId, status }: MirrorPoint, isLost: boolean): Issue {
  return {
    kind: 'job_unknown',
    jobId,
    found: isLost ? `${status} in jobs_meta, and the Results DB is empty` : `${status} in jobs_meta, and not in jobs`,
    remedy: isLost ? 'restore the Results DB, or delete these lines of jobs_meta' : 'delete its line of jobs_meta',
    mend: isLost ? undefined : () => deleteUnknown(examined, jobId),
  };
}
