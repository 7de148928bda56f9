import { sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type OperatorTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import type { JobScheduleRow, JobScheduleRowUpdate, NewJobScheduleRow } from './tables/job-schedule.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'schedule';
const hint = 'choose another name, or update that schedule';

interface ById {
  readonly scheduleId: string;
}

/** A schedule of the organization. */
export function findJobSchedule(
  tx: OrganizationTransaction,
  { scheduleId }: ById,
): Promise<JobScheduleRow | undefined> {
  return tx.selectFrom('job_schedules').selectAll().where('schedule_id', '=', rowId(scheduleId)).executeTakeFirst();
}

/** As `findJobSchedule`, for a row that must be there. @throws {NotFoundError} */
export async function getJobSchedule(tx: OrganizationTransaction, { scheduleId }: ById): Promise<JobScheduleRow> {
  return found(await findJobSchedule(tx, { scheduleId }), { entity, id: scheduleId });
}

export interface ListJobSchedules extends PageRequest {
  readonly createdBy?: string | undefined;
}

/** Schedules of the organization, newest first. */
export async function listJobSchedules(
  tx: OrganizationTransaction,
  request: ListJobSchedules = {},
): Promise<Page<JobScheduleRow>> {
  let query = tx.selectFrom('job_schedules').selectAll().where('schedule_id', '<', idBeforePage(request));
  if (request.createdBy !== undefined) query = query.where('created_by', '=', rowId(request.createdBy));
  const rows = await query
    .orderBy('schedule_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.schedule_id]);
}

/** @throws {ConflictError} when the organization has a schedule of this name. */
export function insertJobSchedule(
  tx: OrganizationTransaction,
  schedule: OwnedRow<NewJobScheduleRow>,
): Promise<JobScheduleRow> {
  const row = { ...schedule, schedule_id: schedule.schedule_id ?? newId(), org_id: organizationOf(tx) };
  return translateRefusal({ entity, id: row.name, hint }, () =>
    tx.insertInto('job_schedules').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Changes the columns given. @throws {NotFoundError} @throws {ConflictError} when the new name is taken. */
export async function updateJobSchedule(
  tx: OrganizationTransaction,
  { scheduleId, set }: ById & { readonly set: Omit<OwnedRow<JobScheduleRowUpdate>, 'schedule_id'> },
): Promise<JobScheduleRow> {
  if (isEmpty(set)) return getJobSchedule(tx, { scheduleId });
  const row = await translateRefusal({ entity, id: set.name ?? scheduleId, hint }, () =>
    tx
      .updateTable('job_schedules')
      .set(set)
      .where('schedule_id', '=', rowId(scheduleId))
      .returningAll()
      .executeTakeFirst(),
  );
  return found(row, { entity, id: scheduleId });
}

/** Returns false when the organization has no such schedule. Its jobs stay. */
export async function deleteJobSchedule(tx: OrganizationTransaction, { scheduleId }: ById): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('job_schedules')
    .where('schedule_id', '=', rowId(scheduleId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** Which schedules are due. */
export interface ListDueJobSchedules extends PageRequest {
  readonly now: Date;
}

/** Enabled schedules of active organizations whose tick has come, the longest due first. */
export async function listDueJobSchedules(
  tx: OperatorTransaction,
  request: ListDueJobSchedules,
): Promise<Page<JobScheduleRow>> {
  const after = parseCursor(request, 2);
  let query = tx
    .selectFrom('job_schedules')
    .innerJoin('organizations', 'organizations.org_id', 'job_schedules.org_id')
    .selectAll('job_schedules')
    .where('organizations.status', '=', 'active')
    .where('enabled', '=', true)
    .where('next_run_at', '<=', request.now)
    .orderBy('next_run_at')
    .orderBy('schedule_id')
    .limit(pageLimit(request) + 1);
  if (after)
    query = query.where(
      sql<boolean>`(next_run_at, schedule_id) > (cast(${after[0]} as timestamptz), cast(${after[1]} as uuid))`,
    );
  // Ticks are whole seconds: a Date loses nothing of them.
  return toPage(await query.execute(), request, (row) => [row.next_run_at?.toISOString() ?? '', row.schedule_id]);
}

/** What became of a tick. */
export interface FinishScheduleTick extends ById {
  /** The tick that was worked off. */
  readonly tick: Date;
  /** The tick to come. */
  readonly nextRunAt: Date | null;
  /** Absent: it gave none. */
  readonly jobId?: string | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

/** Moves a schedule on from its tick. False when another has done so, or the schedule was changed or deleted meanwhile: then nothing is written. */
export async function finishScheduleTick(
  tx: OrganizationTransaction,
  { scheduleId, tick, nextRunAt, jobId, error }: FinishScheduleTick,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('job_schedules')
    .set({
      next_run_at: nextRunAt,
      last_run_at: tick,
      last_error: error ? { ...error } : null,
      ...(jobId === undefined ? {} : { last_job_id: jobId }),
    })
    .where('schedule_id', '=', rowId(scheduleId))
    .where('next_run_at', '=', tick)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** A tick that gave no job yet. */
export interface NoteScheduleError extends ById {
  readonly tick: Date;
  readonly error: { readonly code: string; readonly message: string };
}

/** Notes why a tick gave no job yet; it stays due. */
export async function noteScheduleError(
  tx: OrganizationTransaction,
  { scheduleId, tick, error }: NoteScheduleError,
): Promise<void> {
  await tx
    .updateTable('job_schedules')
    .set({ last_error: { ...error } })
    .where('schedule_id', '=', rowId(scheduleId))
    .where('next_run_at', '=', tick)
    .execute();
}
