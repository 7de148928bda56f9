import {
  inOrganization,
  type MetadataDatabase,
  type OrgId,
  type TaskServiceRow,
  tellTaskServiceState,
  ValidationFailedError,
} from '@mad/core';
import type { InstanceLoad } from '../service/registration.ts';

export interface HeartbeatTaskService {
  /** Owner of the task definition. */
  readonly orgId: OrgId;
  readonly serviceId: string;
  /** What the instance says of itself; without it only that it lives. */
  readonly load?: (InstanceLoad & { readonly capacity: number }) | undefined;
}

/**
 * An instance lives: it counts as healthy for the interval of its task's health check, and is led no more calls than its capacity has room for. One in
 * quarantine stays there.
 * @throws {NotFoundError} when it is not registered any more, or its task is not the organization's own.
 * @throws {ValidationFailedError} when a count is no whole number from 0 on, a capacity none from 1 on.
 */
export async function heartbeatTaskService(db: MetadataDatabase, beat: HeartbeatTaskService): Promise<TaskServiceRow> {
  const { orgId, serviceId, load } = beat;
  const note = load && checkedLoad(load);
  return inOrganization(db, orgId, (tx) =>
    tellTaskServiceState(tx, { serviceId, health: 'healthy', note, isLoad: note !== undefined }),
  );
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
