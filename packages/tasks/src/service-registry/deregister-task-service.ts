import { deleteTaskService, inOrganization, type MetadataDatabase, type OrgId } from '@mad/core';

export interface RegisteredTaskService {
  /** Owner of the task definition. */
  readonly orgId: OrgId;
  readonly serviceId: string;
}

/**
 * Forgets an instance. Calls that it has taken are not asked for any more: drain a living one first.
 * False when it was not registered, or its task is not the organization's own.
 */
export function deregisterTaskService(
  db: MetadataDatabase,
  { orgId, serviceId }: RegisteredTaskService,
): Promise<boolean> {
  return inOrganization(db, orgId, (tx) => deleteTaskService(tx, { serviceId }));
}
