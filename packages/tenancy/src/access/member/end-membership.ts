import {
  authorize,
  type Caller,
  deleteMembership,
  getMember,
  inOrganization,
  listMemberRoles,
  type MetadataDatabase,
  recordAudit,
  revokeInvitations,
  revokeUserTokens,
  setMembershipDisabled,
} from '@mad/core';
import { authorizeNow } from '../authorize-now.ts';
import { requireObject } from '../require-object.ts';
import { keepAnAdmin } from './keep-an-admin.ts';

/** The member of the caller's organization whom a call is about. */
export interface MemberOf {
  readonly userId: string;
}

/**
 * Ends a membership with its roles, and with the API keys, sessions and open invitations that the member had in this organization. The user and
 * their other organizations are not touched. Needs `user.disable`.
 * @throws {PermissionDeniedError} @throws {NotFoundError} @throws {LastAdminError}
 */
export async function removeMember(metadata: MetadataDatabase, caller: Caller, member: MemberOf): Promise<void> {
  mayDisable(caller);
  const { userId } = requireObject(member, 'member');
  await inOrganization(metadata, caller.orgId, (tx) =>
    keepAnAdmin(tx, async () => {
      await authorizeNow(tx, caller, mayDisable);
      const { email } = await getMember(tx, { userId });
      const roles = (await listMemberRoles(tx, { userId })).map(({ name }) => name);
      // First: it waits for what the member does at this moment, such as a key they make.
      await deleteMembership(tx, { userId });
      await revokeUserTokens(tx, { userId });
      await revokeInvitations(tx, { invitedBy: userId });
      await recordAudit(tx, caller, {
        action: 'user.remove',
        entityType: 'user',
        entityId: userId,
        before: { roles },
        facts: { email, roles },
      });
    }),
  );
}

/**
 * Keeps a member out of this organization, by any sign-in and any key, until they are reactivated; their roles stay, their sessions and open
 * invitations here end. The user's account and other organizations are not touched: those are the operator's. Needs `user.disable`.
 * @throws {PermissionDeniedError} @throws {NotFoundError} @throws {LastAdminError}
 */
export function disableMember(metadata: MetadataDatabase, caller: Caller, member: MemberOf): Promise<void> {
  return setDisabled(metadata, caller, { member, disabled: true });
}

/** Lets a member in again, with the roles and keys they had. Needs `user.disable`. @throws {PermissionDeniedError} @throws {NotFoundError} */
export function reactivateMember(metadata: MetadataDatabase, caller: Caller, member: MemberOf): Promise<void> {
  return setDisabled(metadata, caller, { member, disabled: false });
}

const mayDisable = (who: Caller): void => authorize(who, 'user.disable');

async function setDisabled(
  metadata: MetadataDatabase,
  caller: Caller,
  { member: asked, disabled }: { readonly member: MemberOf; readonly disabled: boolean },
): Promise<void> {
  mayDisable(caller);
  const { userId } = requireObject(asked, 'member');
  await inOrganization(metadata, caller.orgId, (tx) =>
    keepAnAdmin(tx, async () => {
      await authorizeNow(tx, caller, mayDisable);
      const member = await getMember(tx, { userId });
      if ((member.disabled_at !== null) === disabled) return;
      await setMembershipDisabled(tx, { userId, disabled });
      if (disabled) {
        await revokeUserTokens(tx, { userId, kind: 'refresh' });
        await revokeInvitations(tx, { invitedBy: userId });
      }
      await recordAudit(tx, caller, {
        action: disabled ? 'user.disable' : 'user.reactivate',
        entityType: 'user',
        entityId: userId,
        before: { disabled: !disabled },
        after: { disabled },
        facts: { email: member.email },
      });
    }),
  );
}
