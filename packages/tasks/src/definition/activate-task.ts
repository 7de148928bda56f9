import {
  type Caller,
  checkRequest,
  inOrganization,
  type MetadataDatabase,
  recordAudit,
  type TaskDefinitionRow,
  updateTaskDefinition,
} from '@mad/core';
import { getOwnVersion, type NamedVersion, namedVersion } from './own-version.ts';

/**
 * Puts a version of the organization's own back into use: ranges such as `dock@^1` find it again. Does nothing to one that is in use.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` for a version that the caller registered.
 * @throws {NotFoundError} when the organization has no such version, be it one of the system's.
 */
export function activateTask(
  metadata: MetadataDatabase,
  caller: Caller,
  named: NamedVersion,
): Promise<TaskDefinitionRow> {
  return setActive(metadata, caller, { named, isActive: true });
}

/**
 * Takes a version out of use: no range finds it, so nothing new is published with it. Published pipelines and accepted jobs, which have their
 * versions fixed, go on with it; so does its exact name in `cloneTask`, `exportTask` and `activateTask`.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` for a version that the caller registered.
 * @throws {NotFoundError} when the organization has no such version, be it one of the system's.
 */
export function deactivateTask(
  metadata: MetadataDatabase,
  caller: Caller,
  named: NamedVersion,
): Promise<TaskDefinitionRow> {
  return setActive(metadata, caller, { named, isActive: false });
}

async function setActive(
  metadata: MetadataDatabase,
  caller: Caller,
  { named, isActive }: { readonly named: NamedVersion; readonly isActive: boolean },
): Promise<TaskDefinitionRow> {
  checkRequest(namedVersion, { subject: 'task', value: named });
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const row = await getOwnVersion(tx, caller, named);
    const { task_definition_id: taskDefinitionId, is_active: was } = row;
    if (was === isActive) return row;
    const changed = await updateTaskDefinition(tx, { taskDefinitionId, set: { is_active: isActive } });
    await recordAudit(tx, caller, {
      action: isActive ? 'task.activate' : 'task.deactivate',
      entityType: 'task_definition',
      entityId: taskDefinitionId,
      before: { is_active: was },
      after: { is_active: isActive },
      facts: { task: `${row.task_id}@${row.version}` },
    });
    return changed;
  });
}
