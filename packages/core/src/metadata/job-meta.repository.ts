import { type RawBuilder, type Selectable, sql } from 'kysely';
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

/** The state of a `jobs` row: everything that the mirror holds, with the fence and the number of the event it belongs to. */
export type JobMetaMirror = OwnedRow<NewJobMetaRow> & {
  readonly status: JobStatus;
  readonly fence: number;
  readonly event_no: number;
};

/**
 * Brings each mirror to its given state unless it shows a later one: states are ordered by (fence, event number), whatever the order of the calls,
 * and of several states of one job the latest counts. Writes the rows that a crash left out. One statement, all or nothing; writers of
 * one organization's jobs wait for each other and never in a circle. Of priority, deadline, error code and canonical job,
 * what is absent or null stays as it is. Returns the jobs whose mirror moved.
 * @throws {RowRefusedError} when a state would lead a job out of a terminal status, or its pipeline is not the organization's to run.
 * @throws {ConflictError} when a new row's idempotency key is taken.
 */
export async function mirrorJobsMeta(
  tx: OrganizationTransaction,
  jobs: readonly JobMetaMirror[],
): Promise<ReadonlySet<string>> {
  const given = latestOf(jobs);
  if (given.length === 0) return new Set();
  const id = given.length === 1 ? given[0]?.job_id : undefined;
  const statement = mirrorStatement(organizationOf(tx), given);
  const { rows } = await translateRefusal({ entity, id: id ?? `one of ${given.length}`, hint }, () =>
    statement.execute(tx),
  );
  return new Set(rows.map((row) => row.job_id));
}

/**
 * Mirrors jobs that were just accepted; a mirror that is there already, as a later state may be, stays. One statement, all or nothing.
 * @throws {RowRefusedError} when the pipeline of one is not the organization's to run.
 * @throws {ConflictError} when an idempotency key is taken.
 */
export async function insertJobsMeta(tx: OrganizationTransaction, jobs: readonly JobMetaMirror[]): Promise<void> {
  if (jobs.length === 0) return;
  const id = jobs.length === 1 ? (jobs[0]?.job_id ?? '') : `one of ${jobs.length}`;
  const rows = sql`${givenRows(jobs)} order by job_id on conflict (job_id) do nothing`;
  await translateRefusal({ entity, id, hint }, () => insertFrom(organizationOf(tx), rows).execute(tx));
}

/** Puts a mirror in the place of one that shows a state its job never reached, as after a Results DB was restored from a backup. */
export async function replaceJobMeta(tx: OrganizationTransaction, job: JobMetaMirror): Promise<void> {
  await deleteJobMeta(tx, { jobId: job.job_id });
  await mirrorJobsMeta(tx, [job]);
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

function latestOf(jobs: readonly JobMetaMirror[]): readonly JobMetaMirror[] {
  const latest = new Map<string, JobMetaMirror>();
  for (const job of jobs) {
    const other = latest.get(job.job_id);
    if (!other || isAfter(job, other)) latest.set(job.job_id, job);
  }
  return [...latest.values()];
}

interface JobPoint {
  readonly fence: number;
  readonly event_no: number;
}

/** True when the first point of a job's life lies behind the second. */
export function isAfter(point: JobPoint, other: JobPoint): boolean {
  return point.fence > other.fence || (point.fence === other.fence && point.event_no > other.event_no);
}

/**
 * Rows that are there are moved by an update of their own and not by the insert's conflict: the trigger before an insert asks whether the pipeline may
 * be run, and that may have ended since the job was accepted. Whoever writes several rows takes the organization's turn first: two such writers,
 * each locking rows in an order of its own, could wait for each other. "exists" keeps the turn before the look-up, and the ids as an array
 * keep that on the key: joined, a table without statistics was read whole for each row.
 */
function mirrorStatement(orgId: string, jobs: readonly JobMetaMirror[]): RawBuilder<{ job_id: string }> {
  const turn =
    jobs.length > 1 ? sql`select pg_advisory_xact_lock(hashtextextended(${`mad jobs_meta ${orgId}`}, 0))` : sql`select`;
  const ids = jobs.map((job) => job.job_id);
  return sql<{ job_id: string }>`
    with given as materialized (
      select given.* from (${turn}) as turn cross join ${givenRows(jobs)}
    ), present as materialized (
      select m.job_id from jobs_meta m where m.job_id = any(cast(${ids} as uuid[])) and exists (select from given)
    ), moved as (
      update jobs_meta m set fence = given.fence, event_no = given.event_no, status = given.status,
        priority = coalesce(given.priority, m.priority), deadline = coalesce(given.deadline, m.deadline),
        error_code = coalesce(given.error_code, m.error_code), canonical_job_id = coalesce(given.canonical_job_id, m.canonical_job_id)
      from given where m.job_id = any(cast(${ids} as uuid[])) and m.job_id = given.job_id and (m.fence, m.event_no) < (given.fence, given.event_no)
      returning m.job_id
    ), written as (
      ${insertFrom(orgId, sql`given where not exists (select from present where present.job_id = given.job_id)`)}
      order by job_id on conflict (job_id) do update set fence = excluded.fence, event_no = excluded.event_no, status = excluded.status,
        priority = excluded.priority, deadline = coalesce(excluded.deadline, m.deadline),
        error_code = coalesce(excluded.error_code, m.error_code),
        canonical_job_id = coalesce(excluded.canonical_job_id, m.canonical_job_id)
      where (m.fence, m.event_no) < (excluded.fence, excluded.event_no)
      returning m.job_id
    )
    select job_id from moved union all select job_id from written`;
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

const givenRows = (
  jobs: readonly JobMetaMirror[],
) => sql`jsonb_to_recordset(cast(${JSON.stringify(jobs)} as jsonb)) as given(
  job_id uuid, pipeline_id uuid, pipeline_version_id uuid, submitted_by uuid, status job_status, priority int, created_at timestamptz,
  fence bigint, event_no bigint, idempotency_key text, deadline timestamptz, screening_id uuid, item_key text, error_code text, canonical_job_id uuid)`;

const insertFrom = (orgId: string, given: RawBuilder<unknown>) => sql`
  insert into jobs_meta as m (job_id, org_id, pipeline_id, pipeline_version_id, submitted_by, status, priority, created_at, fence, event_no,
    idempotency_key, deadline, screening_id, item_key, error_code, canonical_job_id)
  select job_id, cast(${orgId} as uuid), pipeline_id, pipeline_version_id, submitted_by, status, coalesce(priority, 0),
    coalesce(created_at, now()), fence, event_no, idempotency_key, deadline, screening_id, item_key, error_code, canonical_job_id
  from ${given}`;
