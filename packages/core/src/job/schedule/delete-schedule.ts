import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { deleteJobSchedule, findJobSchedule } from '../../metadata/job-schedule.repository.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import type { Platform } from '../../platform.ts';
import { getPermittedSchedule } from './get-permitted-schedule.ts';
import { toAudited } from './schedule.ts';

/**
 * Ends a schedule. Jobs that it gave stay and go on; one may still come of a tick that is being worked off at this moment.
 * @throws {PermissionDeniedError} without `job.cancel`, or `job.cancel:own` for a schedule of the caller's own
 * @throws {NotFoundError}
 */
export async function deleteSchedule(
  { metadata }: Platform,
  caller: Caller,
  { scheduleId }: { readonly scheduleId: string },
): Promise<void> {
  await inOrganization(metadata, caller.orgId, async (tx) => {
    const row = await findJobSchedule(tx, { scheduleId });
    const { name, scheduleId: entityId } = getPermittedSchedule(row, caller, scheduleId);
    await deleteJobSchedule(tx, { scheduleId });
    await recordAudit(tx, caller, {
      action: 'schedule.delete',
      entityType: 'job_schedule',
      entityId,
      before: row && toAudited(row),
      facts: { name },
    });
  });
}
