import {
  getTaskService,
  inOrganization,
  type MetadataDatabase,
  type TaskServiceRow,
  tellTaskServiceState,
} from '@mad/core';
import type { RegisteredTaskService } from './deregister-task-service.ts';
import { readQuarantine } from './instance-report.ts';

/**
 * Leads calls to a quarantined instance again. The document for which it was put there is accepted from now on; another one that breaks the registered
 * one puts it there anew. Changes nothing for an instance that is in none.
 * @throws {NotFoundError} when it is not registered, or its task is not the organization's own.
 */
export function liftQuarantine(
  db: MetadataDatabase,
  { orgId, serviceId }: RegisteredTaskService,
): Promise<TaskServiceRow> {
  return inOrganization(db, orgId, async (tx) => {
    const service = await getTaskService(tx, { serviceId });
    const quarantine = readQuarantine(service);
    if (!quarantine) return service;
    const note = { accepted_document: quarantine.document };
    return tellTaskServiceState(tx, { serviceId, health: 'unknown', note, forget: 'quarantine' });
  });
}
