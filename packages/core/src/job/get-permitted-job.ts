import { authorize } from '../access/authorize.ts';
import type { Caller } from '../access/caller.ts';
import type { OwnablePermission } from '../access/rules.ts';
import { NotFoundError } from '../errors.ts';
import { findJob } from '../results/job.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';

/**
 * The job, where the caller holds the permission for all jobs or, as `<permission>:own`, submitted it.
 * @throws {PermissionDeniedError} @throws {NotFoundError}
 */
export async function getPermittedJob(
  results: ResultsDatabase,
  caller: Caller,
  { jobId, permission }: { readonly jobId: string; readonly permission: OwnablePermission },
): Promise<JobRow> {
  const job = await findJob(results, { jobId });
  authorize(caller, permission, { ownerId: job?.submitted_by ?? null });
  if (!job) throw new NotFoundError({ entity: 'job', id: jobId });
  return job;
}
