import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { listJobSchedules } from '../../metadata/job-schedule.repository.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import type { Platform } from '../../platform.ts';
import type { Page, PageRequest } from '../../postgres/page.ts';
import { type Schedule, toSchedule } from './schedule.ts';

/**
 * The organization's schedules, newest first; with `job.view:own` alone those of the caller's own.
 * @throws {PermissionDeniedError} without `job.view` or `job.view:own`
 */
export async function listSchedules(
  { metadata }: Platform,
  caller: Caller,
  request: PageRequest = {},
): Promise<Page<Schedule>> {
  const { orgId, userId, permissions } = caller;
  const isOwnOnly = !permissions.has('job.view') && permissions.has('job.view:own') && userId !== null;
  if (!isOwnOnly) authorize(caller, 'job.view');
  const createdBy = isOwnOnly ? userId : undefined;
  const page = await inOrganization(metadata, orgId, (tx) => listJobSchedules(tx, { ...request, createdBy }));
  return { ...page, items: page.items.map(toSchedule) };
}
