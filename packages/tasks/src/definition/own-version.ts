import {
  findTaskDefinitionVersion,
  NotFoundError,
  type OrganizationTransaction,
  type OrgId,
  type TaskDefinitionRow,
  ValidationFailedError,
} from '@mad/core';

/** One version of a task, by its exact name. */
export interface NamedVersion {
  /** Whose call it is. */
  readonly orgId: OrgId;
  /** `dock@1.0.0`: no range, for it means this version and no other. */
  readonly task: string;
}

/** Active or not; the organization's own before the system's. @throws {NotFoundError} @throws {ValidationFailedError} when the text names no version. */
export async function getNamedVersion(tx: OrganizationTransaction, task: string): Promise<TaskDefinitionRow> {
  const at = task.indexOf('@');
  const [taskKey, version] = [task.slice(0, at), task.slice(at + 1)];
  if (at < 1 || version === '') {
    const message = 'expected a task and its exact version, such as dock@1.0.0';
    throw new ValidationFailedError({ subject: 'task', issues: [{ pointer: '', message }] });
  }
  const found = await findTaskDefinitionVersion(tx, { taskKey, version });
  if (found) return found;
  throw new NotFoundError({ entity: 'task', id: task, hint: 'list those there are with listTaskDefinitions' });
}

/** As `getNamedVersion`, for a change: the system's and other organizations' are as if they were not there. @throws {NotFoundError} */
export async function getOwnVersion(
  tx: OrganizationTransaction,
  { orgId, task }: NamedVersion,
): Promise<TaskDefinitionRow> {
  const found = await getNamedVersion(tx, task);
  if (found.org_id === orgId.toLowerCase()) return found;
  const hint = 'only the organization that registered a version can change it; clone it to have one of your own';
  throw new NotFoundError({ entity: 'task', id: task, hint });
}
