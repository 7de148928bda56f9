import {
  authorize,
  type Caller,
  inOrganization,
  listRoles,
  type MetadataDatabase,
  type Page,
  type PageRequest,
} from '@mad/core';
import { requireObject } from '../require-object.ts';

/** A role with all that it holds. */
export interface OrganizationRole {
  readonly roleId: string;
  readonly name: string;
  /** True: a role of all organizations, which only the operator grants. */
  readonly isGlobal: boolean;
  /** In alphabetical order. */
  readonly permissions: readonly string[];
}

/** The roles of the caller's organization and the global ones, newest first. Needs `org.view`. @throws {PermissionDeniedError} */
export async function findRoles(
  metadata: MetadataDatabase,
  caller: Caller,
  page: PageRequest = {},
): Promise<Page<OrganizationRole>> {
  authorize(caller, 'org.view');
  requireObject(page, 'page');
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const { items, ...rest } = await listRoles(tx, page);
    const roleIds = items.map(({ role_id }) => role_id);
    const held =
      roleIds.length === 0
        ? []
        : await tx.selectFrom('role_permissions').selectAll().where('role_id', 'in', roleIds).execute();
    const permissionsOf = Map.groupBy(held, ({ role_id }) => role_id);
    const roles = items.map(({ role_id: roleId, name, org_id }) => {
      const permissions = (permissionsOf.get(roleId) ?? []).map(({ permission }) => permission).sort();
      return { roleId, name, isGlobal: org_id === null, permissions };
    });
    return { items: roles, ...rest };
  });
}
