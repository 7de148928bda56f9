import { type Caller, NotFoundError, type OrganizationTransaction, organizationOf } from '@mad/core';
import { requireHeld } from '../require-held.ts';

/** A role of the organization. */
export interface NamedRole {
  readonly roleId: string;
  readonly name: string;
}

/**
 * The organization's own roles of these names, which the caller may hand out.
 * @throws {NotFoundError} for a name that none of its roles has. @throws {GrantRefusedError} for a role that holds more than the caller.
 */
export async function findGrantableRoles(
  tx: OrganizationTransaction,
  caller: Caller,
  names: readonly string[],
): Promise<readonly NamedRole[]> {
  if (names.length === 0) return [];
  const rows = await tx
    .selectFrom('roles')
    .leftJoin('role_permissions', 'role_permissions.role_id', 'roles.role_id')
    .select(['roles.role_id', 'roles.name', 'role_permissions.permission'])
    .where('roles.org_id', '=', organizationOf(tx))
    .where('roles.name', 'in', [...names])
    .execute();
  const found = new Map(rows.map(({ role_id, name }) => [name, role_id]));
  const missing = names.find((name) => !found.has(name));
  if (missing !== undefined) throw new NotFoundError({ entity: 'role', id: missing });
  requireHeld(
    caller,
    rows.flatMap(({ permission }) => permission ?? []),
  );
  return [...found].map(([name, roleId]) => ({ name, roleId }));
}
