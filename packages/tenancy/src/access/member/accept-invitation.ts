import {
  closeInvitation,
  findUserByEmail,
  getOrganization,
  type InvitationRow,
  inAllOrganizations,
  insertMembershipAsOperator,
  insertMembershipRoleAsOperator,
  insertUser,
  lockOpenInvitation,
  type MetadataDatabase,
  type OperatorTransaction,
  OrganizationInactiveError,
  type OrgId,
  recordOperatorAudit,
  ValidationFailedError,
} from '@mad/core';
import { UserDisabledError } from '../../errors.ts';
import { checkPassword, defaultPasswordHasher, type PasswordHasher } from '../../identity/password.ts';
import { InvitationRefusedError } from '../access-errors.ts';
import { requireObject } from '../require-object.ts';
import { isSameHash, parseBearer } from '../token/bearer.ts';
import { mayInvite } from './may-invite.ts';

/** What accepting works with. */
export interface AcceptingContext {
  readonly metadata: MetadataDatabase;
  /** @default argon2id, 19 MiB, 2 passes, 1 lane */
  readonly passwords?: PasswordHasher | undefined;
}

export interface AcceptInvitation {
  /** The bearer value that was sent to the address. */
  readonly invitation: string;
  /** For an address without a user. Left out, the new user has no password and signs in by an identity provider. */
  readonly password?: string | undefined;
}

/** A member who just joined. */
export interface AcceptedInvitation {
  readonly orgId: OrgId;
  readonly userId: string;
  readonly isNewUser: boolean;
}

/**
 * Makes whoever holds the invitation a member: the user of the address, or a new one. Roles that were removed meanwhile are not granted. A member who
 * invited must still be one who could make this invitation, with its roles as they are now. The invitation is used up; of two who accept it at once, one does. It signs nobody in.
 * @throws {InvitationRefusedError} @throws {OrganizationInactiveError} @throws {UserDisabledError}
 * @throws {ValidationFailedError} for a password that is too short or long, or where the address has a user, whose password it would not become.
 * @throws {ConflictError} when the user is a member by now.
 */
export async function acceptInvitation(
  { metadata, passwords = defaultPasswordHasher }: AcceptingContext,
  acceptance: AcceptInvitation,
): Promise<AcceptedInvitation> {
  const { invitation, password } = requireObject(acceptance, 'acceptance');
  const bearer = parseBearer(invitation, 'invitation');
  if (bearer === undefined) throw new InvitationRefusedError();
  const open = (tx: OperatorTransaction) => lockInvitation(tx, bearer);
  // Looked at first: nobody gets a password hashed for a made-up invitation.
  if (password !== undefined) await inAllOrganizations(metadata, open);
  const hashed = password === undefined ? undefined : await passwords.hash(checkPassword(password));
  return inAllOrganizations(metadata, async (tx) => {
    const row = await open(tx);
    const { status } = await getOrganization(tx, { orgId: row.org_id });
    if (status !== 'active') throw new OrganizationInactiveError({ orgId: row.org_id, status });
    const { userId, isNewUser } = await provideUser(tx, { email: row.email, hashed });
    await insertMembershipAsOperator(tx, { userId, orgId: row.org_id });
    const roles = await grantRoles(tx, { ...row, userId });
    await closeInvitation(tx, { invitationId: row.invitation_id });
    await recordOperatorAudit(
      tx,
      { orgId: row.org_id, actor: userId },
      {
        action: 'user.join',
        entityType: 'user',
        entityId: userId,
        after: { roles },
        facts: { invitation: row.invitation_id, invited_by: row.invited_by, roles },
      },
    );
    return { orgId: row.org_id, userId, isNewUser };
  });
}

async function lockInvitation(
  tx: OperatorTransaction,
  { id, secretHash }: { readonly id: string; readonly secretHash: string },
): Promise<InvitationRow> {
  const row = await lockOpenInvitation(tx, { invitationId: id });
  const isProven = isSameHash(row?.secret_hash, secretHash);
  if (row === undefined || !isProven) throw new InvitationRefusedError();
  const { org_id: orgId, invited_by: userId, role_ids: roleIds } = row;
  if (userId !== null && !(await mayInvite(tx, { orgId, userId, roleIds }))) throw new InvitationRefusedError();
  return row;
}

async function provideUser(
  tx: OperatorTransaction,
  { email, hashed }: { readonly email: string; readonly hashed: string | undefined },
): Promise<{ readonly userId: string; readonly isNewUser: boolean }> {
  const user = await findUserByEmail(tx, { email });
  if (user === undefined) {
    const { user_id } = await insertUser(tx, { email, hashed_password: hashed });
    return { userId: user_id, isNewUser: true };
  }
  if (!user.enabled) throw new UserDisabledError({ userId: user.user_id });
  if (hashed !== undefined) {
    const message = 'expected none: this address has an account, which keeps its own way to sign in';
    throw new ValidationFailedError({ subject: 'acceptance', issues: [{ pointer: '/password', message }] });
  }
  return { userId: user.user_id, isNewUser: false };
}

async function grantRoles(
  tx: OperatorTransaction,
  { org_id, role_ids, userId }: InvitationRow & { readonly userId: string },
): Promise<string[]> {
  if (role_ids.length === 0) return [];
  const roles = await tx
    .selectFrom('roles')
    .select(['role_id', 'name'])
    .where('org_id', '=', org_id)
    .where('role_id', 'in', role_ids)
    .execute();
  for (const { role_id } of roles) await insertMembershipRoleAsOperator(tx, { userId, roleId: role_id, orgId: org_id });
  return roles.map(({ name }) => name);
}
