import {
  authorize,
  type Caller,
  checkRequest,
  deleteRole,
  deleteRolePermissions,
  type GrantedPermission,
  inOrganization,
  insertRole,
  insertRolePermissions,
  listRolePermissions,
  type MetadataDatabase,
  NotFoundError,
  type OrganizationTransaction,
  organizationOf,
  recordAudit,
  storableText,
} from '@mad/core';
import { z } from 'zod';
import { RoleProtectedError } from '../access-errors.ts';
import { authorizeNow } from '../authorize-now.ts';
import { isGrantable } from '../permission-sets.ts';
import { requireHeld } from '../require-held.ts';
import { requireObject } from '../require-object.ts';

const permissions = z
  .array(
    z
      .string()
      .max(100)
      .refine(isGrantable, 'expected a permission that exists, with :own only where rows have an owner'),
  )
  .max(100);

/** A role of the organization by its name, and all that it holds. */
export interface DefineRole {
  /** 1 to 100 characters, unique in the organization. */
  readonly name: string;
  readonly permissions: readonly GrantedPermission[];
}

const roleRequest = z.strictObject({ name: storableText(100), permissions });

/**
 * Makes a role of the caller's organization. Needs `role.manage`.
 * @throws {PermissionDeniedError} @throws {ValidationFailedError} @throws {ConflictError} when there is a role of this name.
 * @throws {GrantRefusedError} for a permission that the caller does not hold.
 */
export async function defineRole(
  metadata: MetadataDatabase,
  caller: Caller,
  role: DefineRole,
): Promise<{ readonly roleId: string }> {
  mayManage(caller);
  checkRequest(roleRequest, { subject: 'role', value: role });
  const held = [...new Set(role.permissions)].sort();
  return inOrganization(metadata, caller.orgId, async (tx) => {
    requireHeld(await authorizeNow(tx, caller, mayManage), role.permissions);
    const { role_id: roleId } = await insertRole(tx, { name: role.name });
    await insertRolePermissions(tx, { roleId, permissions: held });
    await recordAudit(tx, caller, {
      action: 'role.create',
      entityType: 'role',
      entityId: roleId,
      after: { name: role.name, permissions: held },
      facts: { name: role.name, permissions: held },
    });
    return { roleId };
  });
}

/**
 * Changes what a role holds, for everyone who holds it. Whoever changes it at the same moment goes before or after, not in between. Needs
 * `role.manage`.
 * @throws {PermissionDeniedError} @throws {ValidationFailedError} @throws {NotFoundError}
 * @throws {GrantRefusedError} for an added permission that the caller does not hold; taking away needs none.
 * @throws {RoleProtectedError} for `admin`.
 */
export async function setRolePermissions(
  metadata: MetadataDatabase,
  caller: Caller,
  change: DefineRole,
): Promise<void> {
  mayManage(caller);
  checkRequest(roleRequest, { subject: 'role', value: change });
  await inOrganization(metadata, caller.orgId, async (tx) => {
    const now = await authorizeNow(tx, caller, mayManage);
    const { roleId, before } = await lockRole(tx, change.name);
    const after = [...new Set<string>(change.permissions)].sort();
    const added = after.filter((permission) => !before.includes(permission));
    const removed = before.filter((permission) => !after.includes(permission));
    requireHeld(now, added);
    if (added.length + removed.length === 0) return;
    await insertRolePermissions(tx, { roleId, permissions: added });
    await deleteRolePermissions(tx, { roleId, permissions: removed });
    await recordAudit(tx, caller, {
      action: 'role.update',
      entityType: 'role',
      entityId: roleId,
      before: { name: change.name, permissions: [...before] },
      after: { name: change.name, permissions: after },
      facts: { name: change.name, added, removed },
    });
  });
}

/**
 * Removes a role and takes it from everyone who holds it. Needs `role.manage`.
 * @throws {PermissionDeniedError} @throws {ValidationFailedError} @throws {NotFoundError} @throws {RoleProtectedError} for `admin`.
 */
export async function removeRole(
  metadata: MetadataDatabase,
  caller: Caller,
  role: Pick<DefineRole, 'name'>,
): Promise<void> {
  mayManage(caller);
  const { name } = requireObject(role, 'role');
  checkRequest(storableText(100), { subject: 'role', value: name });
  await inOrganization(metadata, caller.orgId, async (tx) => {
    await authorizeNow(tx, caller, mayManage);
    const { roleId, before } = await lockRole(tx, name);
    await deleteRole(tx, { roleId });
    await recordAudit(tx, caller, {
      action: 'role.delete',
      entityType: 'role',
      entityId: roleId,
      before: { name, permissions: [...before] },
      facts: { name },
    });
  });
}

const mayManage = (who: Caller): void => authorize(who, 'role.manage');

async function lockRole(
  tx: OrganizationTransaction,
  name: string,
): Promise<{ readonly roleId: string; readonly before: readonly string[] }> {
  if (name === 'admin') throw new RoleProtectedError({ role: name });
  const role = await tx
    .selectFrom('roles')
    .select('role_id')
    .where('org_id', '=', organizationOf(tx))
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  if (role === undefined) throw new NotFoundError({ entity: 'role', id: name });
  return { roleId: role.role_id, before: await listRolePermissions(tx, { roleId: role.role_id }) };
}
