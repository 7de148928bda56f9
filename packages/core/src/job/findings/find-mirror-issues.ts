import { inOrganization } from '../../metadata/metadata-database.ts';
import { listMirrorPoints, type MirrorPoint } from '../../metadata/mirror-point.repository.ts';
import type { JobAudit } from '../../results/job-audit.repository.ts';
import { listMirroredJobs } from '../../results/mirrored-job.repository.ts';
import { comparePoints } from './compare-points.ts';
import type { Examined } from './examined.ts';
import type { Issue } from './finding.ts';
import { remirrorOnce, replaceMirror } from './mend-mirror.ts';

/** Jobs whose line in the Metadata DB is missing, behind, or ahead of what they ever were. */
export async function* findMirrorIssues(examined: Examined, jobs: readonly JobAudit[]): AsyncGenerator<Issue> {
  const { platform, orgId } = examined;
  const jobIds = jobs.map((job) => job.job_id);
  const found = await inOrganization(platform.metadata, orgId, (tx) => listMirrorPoints(tx, { jobIds }));
  const mirrors = new Map(found.map((mirror) => [mirror.job_id, mirror]));
  const settled = jobs.filter((job) => job.is_mirrored && job.is_settled);
  yield* findLate(examined, settled, mirrors);
  yield* findAhead(examined, settled, mirrors);
}

/** Mirrors were read after the jobs: one that is behind was so already then. */
function* findLate(
  examined: Examined,
  jobs: readonly JobAudit[],
  mirrors: ReadonlyMap<string, MirrorPoint>,
): Generator<Issue> {
  const isLate = (job: JobAudit) => {
    const mirror = mirrors.get(job.job_id);
    // Most events move no mirror: it shows the status, and the event that brought it.
    return !mirror || (mirror.status !== job.status && comparePoints(mirror, job) < 0);
  };
  const late = jobs.filter(isLate);
  const remirror = remirrorOnce(
    examined,
    late.map((job) => job.job_id),
  );
  for (const { job_id: jobId, status } of late) {
    const mirror = mirrors.get(jobId);
    yield {
      kind: mirror ? 'mirror_behind' : 'mirror_missing',
      jobId,
      found: mirror ? `jobs says ${status}, jobs_meta ${mirror.status}` : `${status}, and not in jobs_meta`,
      remedy: 'mirror it again',
      mend: () => remirror(jobId),
    };
  }
}

/** A mirror of a moment that the job never came to, as after its Results DB was restored from a backup. */
async function* findAhead(
  { orgId, platform, results }: Examined,
  jobs: readonly JobAudit[],
  mirrors: ReadonlyMap<string, MirrorPoint>,
): AsyncGenerator<Issue> {
  const suspects = jobs.filter((job) => isAhead(mirrors.get(job.job_id), job));
  // The job may have moved on after it was read, and its mirror with it.
  const now = await listMirroredJobs(results, { jobIds: suspects.map((job) => job.job_id) });
  for (const job of now) {
    const mirror = mirrors.get(job.job_id);
    if (!mirror || !isAhead(mirror, job)) continue;
    yield {
      kind: 'mirror_ahead',
      jobId: job.job_id,
      found: `jobs says ${job.status} at event ${job.last_event_seq}, jobs_meta ${mirror.status} at event ${mirror.event_no}`,
      remedy: 'replace the mirror by what the job is',
      mend: () => replaceMirror({ platform, orgId, results }, job.job_id),
    };
  }
}

function isAhead(mirror: MirrorPoint | undefined, job: Pick<JobAudit, 'fence' | 'last_event_seq' | 'status'>): boolean {
  if (!mirror) return false;
  const order = comparePoints(mirror, job);
  return order > 0 || (order === 0 && mirror.status !== job.status);
}
