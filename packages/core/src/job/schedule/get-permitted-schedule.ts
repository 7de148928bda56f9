import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { NotFoundError } from '../../errors.ts';
import type { JobScheduleRow } from '../../metadata/tables/job-schedule.table.ts';
import { type Schedule, toSchedule } from './schedule.ts';

/**
 * The schedule that was found, where the caller may end what it does: with `job.cancel`, or with `job.cancel:own` where it is their own.
 * @throws {PermissionDeniedError} @throws {NotFoundError}
 */
export function getPermittedSchedule(row: JobScheduleRow | undefined, caller: Caller, scheduleId: string): Schedule {
  authorize(caller, 'job.cancel', { ownerId: row?.created_by ?? null });
  if (!row) throw new NotFoundError({ entity: 'schedule', id: scheduleId });
  return toSchedule(row);
}
