import {
  type Caller,
  checkRequest,
  deleteTaskService,
  inOrganization,
  type MetadataDatabase,
  recordAudit,
} from '@mad/core';
import {
  findOwnService,
  type RegisteredTaskService,
  registeredTaskService,
  toRegistered,
  toServiceChange,
} from './own-service.ts';

/**
 * Forgets an instance. Calls that it has taken are not asked for any more: drain a living one first.
 * False when it was not registered, or its task is not the organization's own.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` where the caller registered its task.
 */
export async function deregisterTaskService(
  metadata: MetadataDatabase,
  caller: Caller,
  request: RegisteredTaskService,
): Promise<boolean> {
  checkRequest(registeredTaskService, { subject: 'task service', value: request });
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const own = await findOwnService(tx, caller, request);
    if (!own) return false;
    const { service } = own;
    await deleteTaskService(tx, { serviceId: service.service_id });
    const before = toRegistered(service);
    await recordAudit(tx, caller, toServiceChange(own, { action: 'service.deregister', before }));
    return true;
  });
}
