import {
  findRoleByName,
  inAllOrganizations,
  inOrganization,
  insertRolePermissions,
  type MetadataDatabase,
  NotFoundError,
  newId,
  type OrganizationTransaction,
  type OrgId,
  UNUSABLE_PASSWORD,
} from '@mad/core';
import { SEEDED_ROLES } from '../access/permissions.ts';

// Rows that are there already are passed over, not looked for first: another call may write them at this moment.

/** Makes sure that the organization has its first roles with their permissions. */
export async function seedRoles(metadata: MetadataDatabase, { orgId }: { orgId: OrgId }): Promise<void> {
  await inOrganization(metadata, orgId, async (tx) => {
    for (const [name, permissions] of Object.entries(SEEDED_ROLES)) {
      await tx
        .insertInto('roles')
        .values({ role_id: newId(), org_id: orgId, name })
        .onConflict((conflict) => conflict.columns(['org_id', 'name']).doNothing())
        .execute();
      await insertRolePermissions(tx, { roleId: await getRoleId(tx, name), permissions });
    }
  });
}

/**
 * Makes sure that a user of this e-mail exists, is a member and holds the role `admin`; returns the user's id. A new user has no password.
 */
export async function seedAdmin(
  metadata: MetadataDatabase,
  { orgId, email }: { orgId: OrgId; email: string },
): Promise<string> {
  const { user_id } = await inAllOrganizations(metadata, async (tx) => {
    await tx
      .insertInto('users')
      .values({ user_id: newId(), email, hashed_password: UNUSABLE_PASSWORD })
      .onConflict((conflict) => conflict.column('email').doNothing())
      .execute();
    return tx.selectFrom('users').select('user_id').where('email', '=', email).executeTakeFirstOrThrow();
  });
  await inOrganization(metadata, orgId, async (tx) => {
    const membership = { user_id, org_id: orgId };
    const grant = { ...membership, role_id: await getRoleId(tx, 'admin') };
    await tx
      .insertInto('memberships')
      .values(membership)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx
      .insertInto('membership_roles')
      .values(grant)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
  return user_id;
}

async function getRoleId(tx: OrganizationTransaction, name: string): Promise<string> {
  const role = await findRoleByName(tx, { name });
  if (role === undefined) throw new NotFoundError({ entity: 'role', id: name, hint: 'make a role of this name' });
  return role.role_id;
}
