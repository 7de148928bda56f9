import {
  type Caller,
  checkRequest,
  inOrganization,
  type MetadataDatabase,
  type TaskServiceRow,
  tellTaskServiceState,
  ValidationFailedError,
} from '@mad/core';
import { z } from 'zod';
import type { InstanceLoad } from '../service/registration.ts';
import { getOwnService, type RegisteredTaskService, registeredTaskService } from './own-service.ts';

export interface HeartbeatTaskService extends RegisteredTaskService {
  /** What the instance says of itself; without it only that it lives. */
  readonly load?: (InstanceLoad & { readonly capacity: number }) | undefined;
}

const form = registeredTaskService.extend({
  // Its counts are for `checkedLoad`.
  load: z
    .strictObject({ capacity: z.unknown(), running: z.unknown(), waiting: z.unknown(), draining: z.boolean() })
    .optional(),
});

/**
 * An instance lives: it counts as healthy for the interval of its task's health check, and is led no more calls than its capacity has room for. One in
 * quarantine stays there. It is no act of a user, and leaves nothing in the audit trail.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` where the caller registered its task.
 * @throws {NotFoundError} when it is not registered any more, or its task is not the organization's own.
 * @throws {ValidationFailedError} when a count is no whole number from 0 on, a capacity none from 1 on.
 */
export async function heartbeatTaskService(
  metadata: MetadataDatabase,
  caller: Caller,
  beat: HeartbeatTaskService,
): Promise<TaskServiceRow> {
  checkRequest(form, { subject: 'heartbeat', value: beat });
  const { serviceId, load } = beat;
  const note = load && checkedLoad(load);
  return inOrganization(metadata, caller.orgId, async (tx) => {
    await getOwnService(tx, caller, { serviceId });
    return tellTaskServiceState(tx, { serviceId, health: 'healthy', note, isLoad: note !== undefined });
  });
}

/** As `resources_used` holds it. @throws {ValidationFailedError} */
export function checkedLoad({ capacity, running, waiting, draining }: NonNullable<HeartbeatTaskService['load']>) {
  const issues = Object.entries({ capacity, running, waiting }).flatMap(([name, value]) => {
    const least = name === 'capacity' ? 1 : 0;
    const fits = Number.isSafeInteger(value) && value >= least;
    return fits ? [] : [{ pointer: `/${name}`, message: `expected a whole number from ${least} on` }];
  });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'load of a task service', issues });
  return { capacity, running, waiting, draining };
}
