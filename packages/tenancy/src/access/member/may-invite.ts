import type { MetadataTransaction, OrgId } from '@mad/core';
import { UserDisabledError } from '../../errors.ts';
import { MemberDisabledError } from '../access-errors.ts';
import { type Principal, readPrincipal } from '../find-caller.ts';
import { covers } from '../permission-sets.ts';

interface Invitation {
  readonly orgId: OrgId;
  readonly userId: string;
  /** Those that were removed meanwhile are not asked for. */
  readonly roleIds: readonly string[];
}

/** Whether the user, as a member of the organization now, may invite somebody to hold these roles. @throws {OrganizationInactiveError} */
export async function mayInvite(tx: MetadataTransaction, { orgId, userId, roleIds }: Invitation): Promise<boolean> {
  const permissions = (await findEnabled(tx, { orgId, userId }))?.permissions;
  if (!permissions?.has('user.create')) return false;
  if (roleIds.length === 0) return true;
  const granted = await tx
    .selectFrom('roles')
    .leftJoin('role_permissions', 'role_permissions.role_id', 'roles.role_id')
    .select('role_permissions.permission')
    .where('roles.org_id', '=', orgId)
    .where('roles.role_id', 'in', [...roleIds])
    .execute();
  if (granted.length > 0 && !permissions.has('role.assign')) return false;
  return granted.every(({ permission }) => permission === null || covers(permissions, permission));
}

async function findEnabled(
  tx: MetadataTransaction,
  who: { readonly orgId: OrgId; readonly userId: string },
): Promise<Principal | undefined> {
  try {
    return await readPrincipal(tx, who);
  } catch (error) {
    if (error instanceof UserDisabledError || error instanceof MemberDisabledError) return undefined;
    throw error;
  }
}
