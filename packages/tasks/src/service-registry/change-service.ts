import {
  type Caller,
  checkRequest,
  inOrganization,
  type JsonObject,
  type MetadataDatabase,
  recordAudit,
  type TaskServiceRow,
  type TellTaskServiceState,
  tellTaskServiceState,
} from '@mad/core';
import { getOwnService, type RegisteredTaskService, registeredTaskService, toServiceChange } from './own-service.ts';

export interface ServiceChange {
  readonly action: string;
  /** What to note of the instance; undefined: it is so already. */
  toState(service: TaskServiceRow): Omit<TellTaskServiceState, 'serviceId'> | undefined;
  /** What else a reader of the audit trail should see. */
  toFacts?(service: TaskServiceRow): JsonObject;
}

/** Changes whether calls are led to an instance, and notes who did it. @throws {PermissionDeniedError} @throws {NotFoundError} */
export async function changeService(
  metadata: MetadataDatabase,
  caller: Caller,
  { request, change }: { readonly request: RegisteredTaskService; readonly change: ServiceChange },
): Promise<TaskServiceRow> {
  checkRequest(registeredTaskService, { subject: 'task service', value: request });
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const own = await getOwnService(tx, caller, request);
    const state = change.toState(own.service);
    if (!state) return own.service;
    const changed = await tellTaskServiceState(tx, { ...state, serviceId: own.service.service_id });
    const facts = change.toFacts?.(own.service) ?? {};
    await recordAudit(tx, caller, toServiceChange(own, { action: change.action, facts }));
    return changed;
  });
}
