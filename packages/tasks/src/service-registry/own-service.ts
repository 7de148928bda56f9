import {
  type AuditedChange,
  authorize,
  type Caller,
  type JsonObject,
  lockTaskService,
  NotFoundError,
  type OrganizationTransaction,
  type TaskServiceRow,
} from '@mad/core';
import { z } from 'zod';

/** An instance, by the id of its row. */
export interface RegisteredTaskService {
  readonly serviceId: string;
}

export const registeredTaskService = z.strictObject({ serviceId: z.string() });

/** An instance of a task of the caller's organization. */
export interface OwnService {
  readonly service: TaskServiceRow;
  /** `dock@1.0.0` */
  readonly task: string;
}

/**
 * The instance, which nobody else changes until the transaction ends; undefined for one of the system's or of another organization.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` where the caller registered its task.
 */
export async function findOwnService(
  tx: OrganizationTransaction,
  caller: Caller,
  { serviceId }: RegisteredTaskService,
): Promise<OwnService | undefined> {
  const found = await lockTaskService(tx, { serviceId });
  authorize(caller, 'task.update', { ownerId: found?.createdBy });
  return found && { service: found.service, task: `${found.taskKey}@${found.version}` };
}

/** As `findOwnService`, for one that must be there. @throws as there. @throws {NotFoundError} */
export async function getOwnService(
  tx: OrganizationTransaction,
  caller: Caller,
  { serviceId }: RegisteredTaskService,
): Promise<OwnService> {
  const found = await findOwnService(tx, caller, { serviceId });
  if (found) return found;
  throw new NotFoundError({ entity: 'task service', id: serviceId });
}

/** What was done to an instance, as the audit trail tells it. */
export function toServiceChange(
  { service, task }: OwnService,
  { action, facts = {}, ...more }: Pick<AuditedChange, 'action' | 'before' | 'after'> & { readonly facts?: JsonObject },
): AuditedChange {
  const { service_id: entityId, service_url } = service;
  return { action, entityType: 'task_service', entityId, facts: { ...facts, task, service_url }, ...more };
}

/** What was said of an instance when it was registered. */
export function toRegistered({ task_definition_id, service_url, pod_name, node_name }: TaskServiceRow): JsonObject {
  return { task_definition_id, service_url, pod_name, node_name };
}
