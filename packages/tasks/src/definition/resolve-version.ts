import {
  inOrganization,
  listTaskDefinitionVersions,
  type MetadataDatabase,
  NotFoundError,
  type OrgId,
  type TaskDefinitionRow,
  ValidationFailedError,
} from '@mad/core';
import semver from 'semver';

/**
 * The highest active version of `taskKey`, `taskKey@1.0.0` or `taskKey@<semver range>` that the organization may use; one of its own wins over every
 * version of the system's.
 * @throws {NotFoundError} naming the versions that exist. @throws {ValidationFailedError} when the text is no such reference.
 */
export async function resolveVersion(
  db: MetadataDatabase,
  { orgId, task }: { readonly orgId: OrgId; readonly task: string },
): Promise<TaskDefinitionRow> {
  const at = task.indexOf('@');
  const taskKey = at < 0 ? task : task.slice(0, at);
  const range = at < 0 ? '*' : task.slice(at + 1).trim();
  if (taskKey === '' || range === '' || semver.validRange(range) === null) {
    throw new ValidationFailedError({
      subject: 'task',
      issues: [{ pointer: '', message: 'expected taskKey, taskKey@1.0.0 or taskKey@<semver range>' }],
    });
  }
  const versions = await inOrganization(db, orgId, (tx) => listTaskDefinitionVersions(tx, { taskKey }));
  // Own versions come first, each group from the highest down.
  const found = versions.find((row) => row.is_active && semver.satisfies(row.version, range));
  if (found) return found;
  const known = versions.map((row) => (row.is_active ? row.version : `${row.version} (not active)`));
  throw new NotFoundError({
    entity: 'task',
    id: task,
    hint:
      known.length > 0
        ? `versions that exist: ${known.join(', ')}`
        : `no version of ${taskKey} exists; register one with registerTask`,
  });
}
