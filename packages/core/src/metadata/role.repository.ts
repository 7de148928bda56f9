import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import {
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
import type { NewRoleRow, RoleRow } from './tables/role.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'role';
const hint = 'role names are unique in an organization, and among global roles';

/** A role of the organization, or a global one. */
export function findRole(
  tx: MetadataTransaction,
  { roleId }: { readonly roleId: string },
): Promise<RoleRow | undefined> {
  return tx.selectFrom('roles').selectAll().where('role_id', '=', rowId(roleId)).executeTakeFirst();
}

/** As `findRole`, for a row that must be there. @throws {NotFoundError} */
export async function getRole(tx: MetadataTransaction, { roleId }: { readonly roleId: string }): Promise<RoleRow> {
  return found(await findRole(tx, { roleId }), { entity, id: roleId });
}

/** The organization's own role of this name. */
export function findRoleByName(
  tx: OrganizationTransaction,
  { name }: { readonly name: string },
): Promise<RoleRow | undefined> {
  return tx
    .selectFrom('roles')
    .selectAll()
    .where('org_id', '=', organizationOf(tx))
    .where('name', '=', name)
    .executeTakeFirst();
}

/** Roles of the organization and global ones, newest first. */
export async function listRoles(tx: MetadataTransaction, request: PageRequest = {}): Promise<Page<RoleRow>> {
  const rows = await tx
    .selectFrom('roles')
    .selectAll()
    .where('role_id', '<', idBeforePage(request))
    .orderBy('role_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.role_id]);
}

/** Writes a role of the organization, without permissions. @throws {ConflictError} when the organization has a role of this name. */
export function insertRole(tx: OrganizationTransaction, role: OwnedRow<NewRoleRow>): Promise<RoleRow> {
  return insert(tx, { ...role, org_id: organizationOf(tx) });
}

/** A role for every organization, which only the operator grants. @throws {ConflictError} when a global role has this name. */
export function insertGlobalRole(tx: OperatorTransaction, role: OwnedRow<NewRoleRow>): Promise<RoleRow> {
  return insert(tx, { ...role, org_id: null });
}

/**
 * Renames a role.
 * @throws {NotFoundError} also for a global role, unless the transaction is the operator's.
 * @throws {ConflictError} when the name is taken.
 */
export async function updateRole(
  tx: MetadataTransaction,
  { roleId, set }: { readonly roleId: string; readonly set: { readonly name: string } },
): Promise<RoleRow> {
  const row = await translateRefusal({ entity, id: set.name, hint }, () =>
    tx
      .updateTable('roles')
      .set({ name: set.name })
      .where('role_id', '=', rowId(roleId))
      .returningAll()
      .executeTakeFirst(),
  );
  return found(row, { entity, id: roleId });
}

/** Takes the role from everyone who holds it. Returns false when the transaction may write no such role. */
export async function deleteRole(tx: MetadataTransaction, { roleId }: { readonly roleId: string }): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('roles')
    .where('role_id', '=', rowId(roleId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** The permissions of a role, in alphabetical order. */
export async function listRolePermissions(
  tx: MetadataTransaction,
  { roleId }: { readonly roleId: string },
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('role_permissions')
    .select('permission')
    .where('role_id', '=', rowId(roleId))
    .orderBy('permission')
    .execute();
  return rows.map((row) => row.permission);
}

interface RolePermissions {
  readonly roleId: string;
  readonly permissions: readonly string[];
}

/** Adds permissions; those the role has already stay. @throws {RowRefusedError} when the role is not the transaction's to write. */
export async function insertRolePermissions(
  tx: MetadataTransaction,
  { roleId, permissions }: RolePermissions,
): Promise<void> {
  if (permissions.length === 0) return;
  const rows = permissions.map((permission) => ({ role_id: roleId, permission }));
  await translateRefusal({ entity, id: roleId }, () =>
    tx
      .insertInto('role_permissions')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  );
}

/** Takes permissions away; returns how many the role had. */
export async function deleteRolePermissions(
  tx: MetadataTransaction,
  { roleId, permissions }: RolePermissions,
): Promise<number> {
  if (permissions.length === 0) return 0;
  const { numDeletedRows } = await tx
    .deleteFrom('role_permissions')
    .where('role_id', '=', rowId(roleId))
    .where('permission', 'in', [...permissions])
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

function insert(tx: MetadataTransaction, role: NewRoleRow): Promise<RoleRow> {
  const row = { ...role, role_id: role.role_id ?? newId() };
  return translateRefusal({ entity, id: row.name, hint }, () =>
    tx.insertInto('roles').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}
