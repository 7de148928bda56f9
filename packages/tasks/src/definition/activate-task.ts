import { inOrganization, type MetadataDatabase, type TaskDefinitionRow, updateTaskDefinition } from '@mad/core';
import { getOwnVersion, type NamedVersion } from './own-version.ts';

/**
 * Puts a version of the organization's own back into use: ranges such as `dock@^1` find it again. Does nothing to one that is in use.
 * @throws {NotFoundError} when the organization has no such version, be it one of the system's.
 */
export function activateTask(db: MetadataDatabase, named: NamedVersion): Promise<TaskDefinitionRow> {
  return setActive(db, { named, isActive: true });
}

/**
 * Takes a version out of use: no range finds it, so nothing new is published with it. Published pipelines and accepted jobs, which have their
 * versions fixed, go on with it; so does its exact name in `cloneTask`, `exportTask` and `activateTask`.
 * @throws {NotFoundError} when the organization has no such version, be it one of the system's.
 */
export function deactivateTask(db: MetadataDatabase, named: NamedVersion): Promise<TaskDefinitionRow> {
  return setActive(db, { named, isActive: false });
}

function setActive(
  db: MetadataDatabase,
  { named, isActive }: { readonly named: NamedVersion; readonly isActive: boolean },
): Promise<TaskDefinitionRow> {
  return inOrganization(db, named.orgId, async (tx) => {
    const row = await getOwnVersion(tx, named);
    if (row.is_active === isActive) return row;
    return updateTaskDefinition(tx, { taskDefinitionId: row.task_definition_id, set: { is_active: isActive } });
  });
}
