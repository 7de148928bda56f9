import type { Caller, MetadataDatabase, TaskServiceRow } from '@mad/core';
import { changeService, type ServiceChange } from './change-service.ts';
import { readQuarantine } from './instance-report.ts';
import type { RegisteredTaskService } from './own-service.ts';

/**
 * Leads calls to a quarantined instance again. The document for which it was put there is accepted from now on; another one that breaks the registered
 * one puts it there anew. Changes nothing for an instance that is in none.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` where the caller registered its task.
 * @throws {NotFoundError} when it is not registered, or its task is not the organization's own.
 */
export function liftQuarantine(
  metadata: MetadataDatabase,
  caller: Caller,
  request: RegisteredTaskService,
): Promise<TaskServiceRow> {
  return changeService(metadata, caller, { request, change: lift });
}

const lift: ServiceChange = {
  action: 'service.lift',
  toState: (service) => {
    const quarantine = readQuarantine(service);
    const note = { accepted_document: quarantine?.document ?? '' };
    return quarantine && { health: 'unknown', note, forget: 'quarantine' };
  },
  toFacts: (service) => ({ quarantine: { ...readQuarantine(service) } }),
};
