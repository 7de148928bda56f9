import {
  authorize,
  type Caller,
  ConflictError,
  checkRequest,
  type InvitationRow,
  inOrganization,
  insertInvitation,
  listInvitations,
  type MetadataDatabase,
  NotFoundError,
  type OrganizationTransaction,
  organizationOf,
  type Page,
  type PageRequest,
  recordAudit,
  revokeInvitations,
  storableText,
} from '@mad/core';
import { z } from 'zod';
import { authorizeNow, isPrincipal } from '../authorize-now.ts';
import { requireObject } from '../require-object.ts';
import { newBearer } from '../token/bearer.ts';
import { findGrantableRoles } from './find-grantable-roles.ts';
import { mayInvite } from './may-invite.ts';

const DAY = 86_400_000;

/** Whom to invite, and the roles they hold once they accept. */
export interface InviteMember {
  readonly email: string;
  /** Names of roles of the organization. */
  readonly roles: readonly string[];
  /** @default 7 days, at most 30 */
  readonly expiresInMs?: number | undefined;
}

/** An invitation as lists show it. */
export interface Invitation {
  readonly invitationId: string;
  readonly email: string;
  /** The member on whose permissions it rests until it is accepted; null where it rests on the operator's word. */
  readonly invitedBy: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly acceptedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** An invitation that was just made. */
export interface CreatedInvitation extends Invitation {
  /**
   * `mad_invitation_<id>_<secret>`, shown this once. Whoever has it becomes the member: send it to the address, and never show it to who invites.
   */
  readonly bearer: string;
}

const request = z.strictObject({
  email: z.email().max(320),
  roles: z.array(storableText(100)).max(50),
  expiresInMs: z
    .int()
    .positive()
    .max(30 * DAY)
    .optional(),
});

/**
 * Invites somebody into the caller's organization, whether or not the address has a user; an earlier open invitation of the address is revoked.
 * Needs `user.create`, and `role.assign` where roles are named.
 * @throws {PermissionDeniedError} @throws {ValidationFailedError} @throws {NotFoundError} for a role that is not there.
 * @throws {GrantRefusedError} for a role that holds more than the caller. @throws {ConflictError} when the address is a member's.
 */
export async function inviteMember(
  metadata: MetadataDatabase,
  caller: Caller,
  invitation: InviteMember,
): Promise<CreatedInvitation> {
  const mayAsk = (who: Caller) => {
    authorize(who, 'user.create');
    if (invitation?.roles?.length > 0) authorize(who, 'role.assign');
  };
  mayAsk(caller);
  checkRequest(request, { subject: 'invitation', value: invitation });
  const { email, expiresInMs = 7 * DAY } = invitation;
  const bearer = newBearer('invitation');
  const row = await inOrganization(metadata, caller.orgId, async (tx) => {
    const now = await authorizeNow(tx, caller, mayAsk);
    const roles = await findGrantableRoles(tx, now, [...new Set(invitation.roles)]);
    const roleIds = roles.map(({ roleId }) => roleId);
    const member = await tx
      .selectFrom('memberships')
      .innerJoin('users', 'users.user_id', 'memberships.user_id')
      .select('users.user_id')
      .where('memberships.org_id', '=', organizationOf(tx))
      .where('users.email', '=', email)
      .executeTakeFirst();
    if (member) throw new ConflictError({ entity: 'member', id: member.user_id, hint: 'change their roles instead' });
    await revokeInvitations(tx, { email });
    const made = await insertInvitation(tx, {
      invitation_id: bearer.id,
      email,
      role_ids: roleIds,
      secret_hash: bearer.secretHash,
      invited_by: await findGuarantor(tx, caller, roleIds),
      expires_at: new Date(Date.now() + expiresInMs),
    });
    const facts = { email, roles: roles.map(({ name }) => name) };
    const change = { entityType: 'invitation', entityId: bearer.id, after: facts, facts };
    await recordAudit(tx, caller, { action: 'user.invite', ...change });
    return made;
  });
  return { ...toInvitation(row), bearer: bearer.value };
}

/** Invitations into the caller's organization, newest first, those that are over too. Needs `user.create`. @throws {PermissionDeniedError} */
export async function listMemberInvitations(
  metadata: MetadataDatabase,
  caller: Caller,
  page: PageRequest = {},
): Promise<Page<Invitation>> {
  mayManage(caller);
  requireObject(page, 'page');
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const { items, ...rest } = await listInvitations(tx, page);
    return { items: items.map(toInvitation), ...rest };
  });
}

/** Ends an open invitation. Needs `user.create`. @throws {PermissionDeniedError} @throws {NotFoundError} for one that is not open. */
export async function revokeInvitation(
  metadata: MetadataDatabase,
  caller: Caller,
  invitation: { readonly invitationId: string },
): Promise<void> {
  mayManage(caller);
  const { invitationId } = requireObject(invitation, 'invitation');
  await inOrganization(metadata, caller.orgId, async (tx) => {
    await authorizeNow(tx, caller, mayManage);
    const revoked = await revokeInvitations(tx, { invitationId });
    if (revoked.length === 0) throw new NotFoundError({ entity: 'open invitation', id: invitationId });
    await recordAudit(tx, caller, {
      action: 'user.invite.revoke',
      entityType: 'invitation',
      entityId: invitationId,
      before: { open: true },
      after: { open: false },
    });
  });
}

const mayManage = (who: Caller): void => authorize(who, 'user.create');

/** Whom acceptance asks for again: who invites as a member does. The operator may act in the name of a user who could not. */
async function findGuarantor(
  tx: OrganizationTransaction,
  caller: Caller,
  roleIds: readonly string[],
): Promise<string | null> {
  const { userId } = caller;
  if (userId === null || isPrincipal(caller)) return userId;
  return (await mayInvite(tx, { orgId: organizationOf(tx), userId, roleIds })) ? userId : null;
}

function toInvitation(row: InvitationRow): Invitation {
  return {
    invitationId: row.invitation_id,
    email: row.email,
    invitedBy: row.invited_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    acceptedAt: row.accepted_at,
    revokedAt: row.revoked_at,
  };
}
