import { type Caller, isJsonObject, type MetadataDatabase, type TaskServiceRow } from '@mad/core';
import { changeService, type ServiceChange } from './change-service.ts';
import type { RegisteredTaskService } from './own-service.ts';

/**
 * Leads no new calls to an instance from about a second on; those it works on end, and accepted work is asked for until it is done. Holds until
 * `resumeTaskService`, whatever the instance says of itself.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` where the caller registered its task.
 * @throws {NotFoundError} when it is not registered, or its task is not the organization's own.
 */
export function drainTaskService(
  metadata: MetadataDatabase,
  caller: Caller,
  request: RegisteredTaskService,
): Promise<TaskServiceRow> {
  return changeService(metadata, caller, { request, change: drain });
}

/** Ends what `drainTaskService` began. @throws as there. */
export function resumeTaskService(
  metadata: MetadataDatabase,
  caller: Caller,
  request: RegisteredTaskService,
): Promise<TaskServiceRow> {
  return changeService(metadata, caller, { request, change: resume });
}

const isDrained = ({ resources_used: told }: TaskServiceRow): boolean =>
  isJsonObject(told) && told.drained_at !== undefined;

const drain: ServiceChange = {
  action: 'service.drain',
  toState: (service) => (isDrained(service) ? undefined : { note: { drained_at: new Date().toISOString() } }),
};

const resume: ServiceChange = {
  action: 'service.resume',
  toState: (service) => (isDrained(service) ? { forget: 'drained_at' } : undefined),
};
