import {
  NotFoundError,
  newId,
  type OperatorTransaction,
  type OrgId,
  recordOperatorAudit,
  UNUSABLE_PASSWORD,
} from '@mad/core';
import { sql } from 'kysely';
import { SEEDED_ROLES } from '../access/seeded-roles.ts';

// Rows that are there already are passed over, not looked for first: another call may write them at this moment.

/** Makes sure that the organization has settings with a storage prefix, and its first roles with their permissions. */
export async function seedSettingsAndRoles(tx: OperatorTransaction, { orgId }: { orgId: OrgId }): Promise<void> {
  const roles = Object.keys(SEEDED_ROLES).map((name) => ({ role_id: newId(), name }));
  const grants = Object.entries(SEEDED_ROLES).flatMap(([role, permissions]) =>
    permissions.map((permission) => ({ role, permission })),
  );
  await sql`
    with settings as (
      insert into org_settings (org_id, storage_prefix) values (${orgId}, ${orgId}) on conflict do nothing
    ), made as (
      insert into roles (role_id, org_id, name)
      select role_id, ${orgId}, name from jsonb_to_recordset(${JSON.stringify(roles)}::jsonb) as given(role_id uuid, name text)
      on conflict (org_id, name) do nothing returning role_id, name
    ), seeded as (
      -- Sees what was there before the statement: no role comes twice.
      select role_id, name from made union all select role_id, name from roles where org_id = ${orgId}
    )
    insert into role_permissions (role_id, permission)
    select seeded.role_id, granted.permission
    from jsonb_to_recordset(${JSON.stringify(grants)}::jsonb) as granted(role text, permission text)
    join seeded on seeded.name = granted.role
    on conflict do nothing`.execute(tx);
}

/** The administrator that is asked for, and who asks. */
export interface AdminToSeed {
  readonly orgId: OrgId;
  /** Undefined: nobody is asked for. */
  readonly email: string | undefined;
  readonly actor: string | null;
}

/**
 * Makes sure that a user of this e-mail exists, is a member and holds the organization's own role `admin`; returns the user's id. A new user has no
 * password. Audited where the role is new to the user.
 * @throws {NotFoundError} when the organization has no such role any more.
 */
export async function seedAdmin(tx: OperatorTransaction, { orgId, email, actor }: AdminToSeed): Promise<string | null> {
  if (email === undefined) return null;
  const made = await tx
    .insertInto('users')
    .values({ user_id: newId(), email, hashed_password: UNUSABLE_PASSWORD })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returning('user_id')
    .executeTakeFirst();
  const { user_id: userId } =
    made ?? (await tx.selectFrom('users').select('user_id').where('email', '=', email).executeTakeFirstOrThrow());
  const { rows: granted } = await sql`
    with member as (
      insert into memberships (user_id, org_id) values (${userId}, ${orgId}) on conflict do nothing
    )
    insert into membership_roles (user_id, org_id, role_id)
    select ${userId}, org_id, role_id from roles where org_id = ${orgId} and name = 'admin'
    on conflict do nothing returning role_id`.execute(tx);
  if (granted.length === 0) await requireAdminRole(tx, orgId);
  else {
    const facts = { role: 'admin' };
    const change = { action: 'role.assign', entityType: 'user', entityId: userId, facts };
    await recordOperatorAudit(tx, { orgId, actor }, { ...change, after: { ...facts, user_id: userId } });
  }
  return userId;
}

async function requireAdminRole(tx: OperatorTransaction, orgId: OrgId): Promise<void> {
  const role = await tx
    .selectFrom('roles')
    .select('role_id')
    .where('org_id', '=', orgId)
    .where('name', '=', 'admin')
    .executeTakeFirst();
  if (role === undefined) throw new NotFoundError({ entity: 'role', id: 'admin', hint: 'make a role of this name' });
}
