import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { systemClock } from '../../clock.ts';
import { findJobSchedule, getJobSchedule, updateJobSchedule } from '../../metadata/job-schedule.repository.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import type { Platform } from '../../platform.ts';
import { type CreateSchedule, SCHEDULE_KEYS } from './create-schedule.ts';
import { getPermittedSchedule } from './get-permitted-schedule.ts';
import { nextTick } from './next-tick.ts';
import {
  checkSchedule,
  readSchedule,
  type Schedule,
  type ScheduleFacts,
  toAudited,
  toSchedule,
  toStoredRequest,
} from './schedule.ts';

/** What is to change; what is absent stays. */
export interface UpdateSchedule extends Partial<CreateSchedule> {
  readonly scheduleId: string;
}

/**
 * Changes a schedule, which from then on submits as the caller: nobody can make another submit what they chose. The next tick is reckoned anew when
 * the clock changes and when it is enabled; ticks that passed while it was not enabled are gone.
 * @throws {PermissionDeniedError} without `job.create`, or `job.cancel`, of which `job.cancel:own` is enough for a schedule of the caller's own
 * @throws {NotFoundError} when the schedule, the pipeline or its version is not there
 * @throws {ValidationFailedError} when the clock never ticks, or the request is none
 * @throws {ConflictError} when the organization has another schedule of this name
 */
export async function updateSchedule(platform: Platform, caller: Caller, update: UpdateSchedule): Promise<Schedule> {
  authorize(caller, 'job.create');
  const { scheduleId, ...change } = readSchedule(update, ['scheduleId', ...SCHEDULE_KEYS]);
  const { metadata, clock = systemClock } = platform;
  const row = await inOrganization(metadata, caller.orgId, (tx) => findJobSchedule(tx, { scheduleId }));
  const before = getPermittedSchedule(row, caller, scheduleId);
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const { name, cron, timezone, request, enabled, catchUp } = before;
  const facts: ScheduleFacts = { name, cron, timezone, request, enabled, catchUp, ...given };
  const now = clock.now();
  await checkSchedule(platform, caller, { facts, now });
  const isSameClock = facts.cron === cron && facts.timezone === timezone && facts.enabled === enabled;
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const replaced = await getJobSchedule(tx, { scheduleId });
    const updated = await updateJobSchedule(tx, {
      scheduleId,
      set: {
        name: facts.name,
        cron: facts.cron,
        timezone: facts.timezone,
        request: toStoredRequest(facts.request),
        enabled: facts.enabled,
        catch_up: facts.catchUp,
        created_by: caller.userId,
        ...(isSameClock ? {} : { next_run_at: nextTick(facts, now) }),
      },
    });
    await recordAudit(tx, caller, {
      action: 'schedule.update',
      entityType: 'job_schedule',
      entityId: updated.schedule_id,
      before: toAudited(replaced),
      after: toAudited(updated),
      facts: { name: facts.name, changed: Object.keys(given) },
    });
    return toSchedule(updated);
  });
}
