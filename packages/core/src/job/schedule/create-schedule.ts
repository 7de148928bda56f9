import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { systemClock } from '../../clock.ts';
import { insertJobSchedule } from '../../metadata/job-schedule.repository.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import type { Platform } from '../../platform.ts';
import { nextTick } from './next-tick.ts';
import {
  checkSchedule,
  readSchedule,
  type Schedule,
  type ScheduledRequest,
  toAudited,
  toSchedule,
  toStoredRequest,
} from './schedule.ts';

export interface CreateSchedule {
  /** Unique in the organization. */
  readonly name: string;
  /** Five fields – minute, hour, day of the month, month, day of the week – such as `30 2 * * 1-5`; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  readonly cron: string;
  /** IANA name in whose time `cron` is read. @default 'UTC' */
  readonly timezone?: string | undefined;
  readonly request: ScheduledRequest;
  /** @default true */
  readonly enabled?: boolean | undefined;
  /** True: one job makes up for all ticks at which nobody was there. False: they are left out. @default true */
  readonly catchUp?: boolean | undefined;
}

export const SCHEDULE_KEYS = Object.keys({
  ...{ name: true, cron: true, timezone: true, request: true, enabled: true, catchUp: true },
} satisfies Record<keyof CreateSchedule, true>);

/**
 * Submits a job at every tick of a clock from now on, as the caller. The request is checked as if it were submitted now.
 * @throws {PermissionDeniedError} without `job.create`
 * @throws {ValidationFailedError} when the clock never ticks, or the request is none
 * @throws {NotFoundError} when the pipeline or its version is not there
 * @throws {ConflictError} when the organization has a schedule of this name
 */
export async function createSchedule(platform: Platform, caller: Caller, schedule: CreateSchedule): Promise<Schedule> {
  authorize(caller, 'job.create');
  const {
    name,
    cron,
    timezone = 'UTC',
    request,
    enabled = true,
    catchUp = true,
  } = readSchedule(schedule, SCHEDULE_KEYS);
  const now = (platform.clock ?? systemClock).now();
  await checkSchedule(platform, caller, { facts: { name, cron, timezone, request, enabled, catchUp }, now });
  return inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const row = await insertJobSchedule(tx, {
      name,
      cron,
      timezone,
      request: toStoredRequest(request),
      enabled,
      catch_up: catchUp,
      created_by: caller.userId,
      next_run_at: nextTick({ cron, timezone }, now),
    });
    await recordAudit(tx, caller, {
      action: 'schedule.create',
      entityType: 'job_schedule',
      entityId: row.schedule_id,
      after: toAudited(row),
      facts: { name, cron, timezone, enabled },
    });
    return toSchedule(row);
  });
}
