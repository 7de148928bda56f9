import type { OrgId } from '../ids.ts';

/** A line of a log names so many jobs; those of a larger batch fail for one reason. */
const NAMED = 20;

/** The jobs as facts of a log line: `job_id` where it is one, else how many, and `job_ids` of the first of them. */
export function nameJobs(orgId: OrgId, jobIds: readonly string[]): object {
  const [jobId] = jobIds;
  if (jobIds.length === 1) return { org_id: orgId, job_id: jobId };
  return { org_id: orgId, jobs: jobIds.length, job_ids: jobIds.slice(0, NAMED) };
}
