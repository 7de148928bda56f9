import {
  authorize,
  type Caller,
  findTaskDefinition,
  findTaskDefinitionVersion,
  NotFoundError,
  type OrganizationTransaction,
  type TaskDefinitionRow,
  ValidationFailedError,
} from '@mad/core';
import { z } from 'zod';

/** One version of a task, by its exact name. */
export interface NamedVersion {
  /** `dock@1.0.0`: no range, for it means this version and no other. */
  readonly task: string;
}

export const namedVersion = z.strictObject({ task: z.string() });

/** Active or not; the organization's own before the system's. @throws {NotFoundError} @throws {ValidationFailedError} when the text names no version. */
export async function getNamedVersion(tx: OrganizationTransaction, task: string): Promise<TaskDefinitionRow> {
  const found = await findNamedVersion(tx, task);
  if (found) return found;
  throw new NotFoundError({ entity: 'task', id: task, hint: 'list those there are with listTaskDefinitions' });
}

/**
 * As `getNamedVersion`, for a change: the system's and other organizations' are as if they were not there.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` for a version that the caller registered. @throws {NotFoundError}
 */
export async function getOwnVersion(
  tx: OrganizationTransaction,
  caller: Caller,
  { task }: NamedVersion,
): Promise<TaskDefinitionRow> {
  return requireOwn(caller, await findNamedVersion(tx, task), task);
}

/** As `getOwnVersion`, by the id of the row. @throws as there. */
export async function getOwnDefinition(
  tx: OrganizationTransaction,
  caller: Caller,
  { taskDefinitionId }: { readonly taskDefinitionId: string },
): Promise<TaskDefinitionRow> {
  return requireOwn(caller, await findTaskDefinition(tx, { taskDefinitionId }), taskDefinitionId);
}

function findNamedVersion(tx: OrganizationTransaction, task: string): Promise<TaskDefinitionRow | undefined> {
  const at = task.indexOf('@');
  const [taskKey, version] = [task.slice(0, at), task.slice(at + 1)];
  if (at < 1 || version === '') {
    const message = 'expected a task and its exact version, such as dock@1.0.0';
    throw new ValidationFailedError({ subject: 'task', issues: [{ pointer: '', message }] });
  }
  return findTaskDefinitionVersion(tx, { taskKey, version });
}

function requireOwn(caller: Caller, found: TaskDefinitionRow | undefined, id: string): TaskDefinitionRow {
  authorize(caller, 'task.update', { ownerId: found?.created_by });
  if (found?.org_id === caller.orgId.toLowerCase()) return found;
  const hint = found
    ? 'only the organization that registered a version can change it; clone it to have one of your own'
    : 'list those there are with listTaskDefinitions';
  throw new NotFoundError({ entity: 'task', id, hint });
}
