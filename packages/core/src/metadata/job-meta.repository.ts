import { type Selectable, sql, type Updateable } from 'kysely';
import { rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import type { JobStatus } from '../results/tables/job-status.ts';
import { idBeforePage } from './keyset.ts';
import { type MetadataTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
import type { JobMetaRow, JobMetaTable, NewJobMetaRow } from './tables/job-meta.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'job';
const hint = 'another job was submitted under this id or idempotency key: return that one';

const toJobMeta = (row: Selectable<JobMetaTable>): JobMetaRow => ({
  ...row,
  fence: Number(row.fence),
  event_no: Number(row.event_no),
});

/** The mirror of a job; undefined where the transaction sees none. */
export async function findJobMeta(
  tx: MetadataTransaction,
  { jobId }: { readonly jobId: string },
): Promise<JobMetaRow | undefined> {
  const row = await tx.selectFrom('jobs_meta').selectAll().where('job_id', '=', rowId(jobId)).executeTakeFirst();
  return row && toJobMeta(row);
}

/** As `findJobMeta`, for a row that must be there. @throws {NotFoundError} */
export async function getJobMeta(tx: MetadataTransaction, { jobId }: { readonly jobId: string }): Promise<JobMetaRow> {
  return found(await findJobMeta(tx, { jobId }), { entity, id: jobId });
}

/** The job that the organization submitted under this key before. */
export async function findJobMetaByIdempotencyKey(
  tx: OrganizationTransaction,
  { idempotencyKey }: { readonly idempotencyKey: string },
): Promise<JobMetaRow | undefined> {
  const row = await tx
    .selectFrom('jobs_meta')
    .selectAll()
    .where('org_id', '=', organizationOf(tx))
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirst();
  return row && toJobMeta(row);
}

export interface JobMetaFilter {
  readonly statuses?: readonly JobStatus[] | undefined;
  readonly pipelineId?: string | undefined;
  readonly submittedBy?: string | undefined;
  readonly screeningId?: string | undefined;
  readonly createdSince?: Date | undefined;
}

/** Jobs, newest first. */
export async function listJobsMeta(
  tx: MetadataTransaction,
  request: PageRequest & JobMetaFilter = {},
): Promise<Page<JobMetaRow>> {
  const rows = await selectJobs(tx, request)
    .selectAll()
    .where('job_id', '<', idBeforePage(request))
    .orderBy('job_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows.map(toJobMeta), request, (row) => [row.job_id]);
}

/** How many jobs pass the filter: what quotas and dashboards ask. */
export async function countJobsMeta(tx: MetadataTransaction, filter: JobMetaFilter = {}): Promise<number> {
  const { count } = await selectJobs(tx, filter)
    .select((eb) => eb.fn.countAll<string | number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/**
 * @throws {ConflictError} when the id or the organization's idempotency key is taken.
 * @throws {RowRefusedError} when the version is not of the pipeline, or the pipeline is not the organization's to run.
 */
export async function insertJobMeta(tx: OrganizationTransaction, job: OwnedRow<NewJobMetaRow>): Promise<JobMetaRow> {
  const row = { ...job, org_id: organizationOf(tx) };
  const written = await translateRefusal({ entity, id: job.idempotency_key ?? job.job_id, hint }, () =>
    tx.insertInto('jobs_meta').values(row).returningAll().executeTakeFirstOrThrow(),
  );
  return toJobMeta(written);
}

/** The state of a `jobs` row: everything that the mirror holds, with the fence and the number of the event it belongs to. */
export type JobMetaMirror = OwnedRow<NewJobMetaRow> & {
  readonly status: JobStatus;
  readonly fence: number;
  readonly event_no: number;
};

/**
 * Brings the mirror to this state unless it shows a later one: states are ordered by (fence, event number), whatever the order of the calls.
 * Writes the row where a crash left none. Returns whether the mirror moved.
 * @throws {RowRefusedError} when the state would lead a job out of a terminal status.
 */
export async function mirrorJobMeta(tx: OrganizationTransaction, job: JobMetaMirror): Promise<boolean> {
  return translateRefusal({ entity, id: job.job_id, hint }, async () => {
    if (await moveForward(tx, job)) return true;
    // A row that is there is ahead. Asked before the insert: the pipeline may have ceased to be public since the job was accepted.
    if (await findJobMeta(tx, { jobId: job.job_id })) return false;
    const { numInsertedOrUpdatedRows = 0n } = await tx
      .insertInto('jobs_meta')
      .values({ ...job, org_id: organizationOf(tx) })
      .onConflict((conflict) => conflict.column('job_id').doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows > 0n || moveForward(tx, job);
  });
}

/** Returns false when the organization has no such job. */
export async function deleteJobMeta(
  tx: OrganizationTransaction,
  { jobId }: { readonly jobId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('jobs_meta')
    .where('job_id', '=', rowId(jobId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

async function moveForward(tx: OrganizationTransaction, job: JobMetaMirror): Promise<boolean> {
  const { job_id, fence, event_no, status, priority, deadline, error_code, canonical_job_id } = job;
  const given = { priority, deadline, error_code, canonical_job_id };
  const { numUpdatedRows } = await tx
    .updateTable('jobs_meta')
    // Kysely leaves out what is undefined: it stays as it is.
    .set({ fence, event_no, status, ...(given as Updateable<JobMetaTable>) })
    .where('job_id', '=', rowId(job_id))
    .where((eb) => eb(eb.refTuple('fence', 'event_no'), '<', eb.tuple(fence, event_no)))
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

function selectJobs(
  tx: MetadataTransaction,
  { statuses, pipelineId, submittedBy, screeningId, createdSince }: JobMetaFilter,
) {
  let query = tx.selectFrom('jobs_meta');
  if (statuses !== undefined)
    query = statuses.length > 0 ? query.where('status', 'in', [...statuses]) : query.where(sql.lit(false));
  if (pipelineId !== undefined) query = query.where('pipeline_id', '=', rowId(pipelineId));
  if (submittedBy !== undefined) query = query.where('submitted_by', '=', rowId(submittedBy));
  if (screeningId !== undefined) query = query.where('screening_id', '=', rowId(screeningId));
  if (createdSince !== undefined) query = query.where('created_at', '>=', createdSince);
  return query;
}
