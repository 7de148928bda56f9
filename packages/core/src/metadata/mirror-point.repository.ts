import { type Selectable, sql } from 'kysely';
import type { OrgId } from '../ids.ts';
import { type OperatorTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import type { JobMetaRow, JobMetaTable } from './tables/job-meta.table.ts';

/** How far a mirror is. */
export type MirrorPoint = Pick<JobMetaRow, 'job_id' | 'status' | 'fence' | 'event_no'>;

/** Those of the jobs that have a mirror, in no order. */
export async function listMirrorPoints(
  tx: OrganizationTransaction,
  { jobIds }: { readonly jobIds: readonly string[] },
): Promise<readonly MirrorPoint[]> {
  const rows = await tx
    .selectFrom('jobs_meta')
    .select(['job_id', 'status', 'fence', 'event_no'])
    .where('org_id', '=', organizationOf(tx))
    .where(sql<boolean>`job_id = any(cast(${jobIds} as uuid[]))`)
    .execute();
  return rows.map(toPoint);
}

/** The organization's mirrors of open jobs, oldest first. */
export async function listOldestOpenMirrors(
  tx: OrganizationTransaction,
  { limit }: { readonly limit: number },
): Promise<readonly MirrorPoint[]> {
  const rows = await tx
    .selectFrom('jobs_meta')
    .select(['job_id', 'status', 'fence', 'event_no'])
    .where('org_id', '=', organizationOf(tx))
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .orderBy('created_at')
    .limit(limit)
    .execute();
  return rows.map(toPoint);
}

/** The organization's mirrors that are older than `graceMs`, in the order of their ids, behind `afterJobId`. */
export async function listMirrorsAfter(
  tx: OrganizationTransaction,
  { afterJobId, limit, graceMs }: { readonly afterJobId: string; readonly limit: number; readonly graceMs: number },
): Promise<readonly MirrorPoint[]> {
  const rows = await tx
    .selectFrom('jobs_meta')
    .select(['job_id', 'status', 'fence', 'event_no'])
    .where('org_id', '=', organizationOf(tx))
    .where('job_id', '>', afterJobId)
    .where('created_at', '<=', sql<Date>`now() - ${graceMs} * interval '1 ms'`)
    .orderBy('job_id')
    .limit(limit)
    .execute();
  return rows.map(toPoint);
}

/** Active organizations that have open jobs by their mirrors. */
export async function listBusyOrganizationIds(tx: OperatorTransaction): Promise<readonly OrgId[]> {
  const rows = await tx
    .selectFrom('organizations')
    .select('org_id')
    .where('status', '=', 'active')
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('jobs_meta')
          .select('job_id')
          .whereRef('jobs_meta.org_id', '=', 'organizations.org_id')
          .where('jobs_meta.status', 'in', ['PENDING', 'RUNNING']),
      ),
    )
    .execute();
  return rows.map((row) => row.org_id);
}

const toPoint = (row: Pick<Selectable<JobMetaTable>, keyof MirrorPoint>): MirrorPoint => ({
  ...row,
  fence: Number(row.fence),
  event_no: Number(row.event_no),
});
