import { inOrganization, type MetadataDatabase, type TaskServiceRow, tellTaskServiceState } from '@mad/core';
import type { RegisteredTaskService } from './deregister-task-service.ts';

/**
 * Leads no new calls to an instance from about a second on; those it works on end, and accepted work is asked for until it is done. Holds until
 * `resumeTaskService`, whatever the instance says of itself.
 * @throws {NotFoundError} when it is not registered, or its task is not the organization's own.
 */
export function drainTaskService(
  db: MetadataDatabase,
  { orgId, serviceId }: RegisteredTaskService,
): Promise<TaskServiceRow> {
  const note = { drained_at: new Date().toISOString() };
  return inOrganization(db, orgId, (tx) => tellTaskServiceState(tx, { serviceId, note }));
}

/** Ends what `drainTaskService` began. @throws {NotFoundError} as there. */
export function resumeTaskService(
  db: MetadataDatabase,
  { orgId, serviceId }: RegisteredTaskService,
): Promise<TaskServiceRow> {
  return inOrganization(db, orgId, (tx) => tellTaskServiceState(tx, { serviceId, forget: 'drained_at' }));
}
