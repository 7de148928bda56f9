import {
  authorize,
  type Caller,
  checkRequest,
  deleteMembershipRole,
  getMember,
  inOrganization,
  insertMembershipRole,
  listMemberRoles,
  type MetadataDatabase,
  recordAudit,
  revokeInvitations,
  storableText,
} from '@mad/core';
import { z } from 'zod';
import { authorizeNow } from '../authorize-now.ts';
import { findGrantableRoles } from './find-grantable-roles.ts';
import { keepAnAdmin } from './keep-an-admin.ts';

/** The member, and the names of all roles of the organization that they hold from now on. */
export interface SetMemberRoles {
  readonly userId: string;
  readonly roles: readonly string[];
}

const request = z.strictObject({ userId: z.uuid(), roles: z.array(storableText(100)).max(50) });

/**
 * Gives a member exactly these roles of the organization; roles of all organizations that the operator gave stay. Who loses a role loses their open
 * invitations too. Needs `role.assign`.
 * @throws {PermissionDeniedError} @throws {ValidationFailedError} @throws {NotFoundError} for another organization's user, or no role of its.
 * @throws {GrantRefusedError} for an added role that holds more than the caller; taking one away needs no more than the permission.
 * @throws {LastAdminError}
 */
export async function setMemberRoles(
  metadata: MetadataDatabase,
  caller: Caller,
  change: SetMemberRoles,
): Promise<void> {
  const mayAssign = (who: Caller) => authorize(who, 'role.assign');
  mayAssign(caller);
  checkRequest(request, { subject: 'roles of a member', value: change });
  const { userId } = change;
  await inOrganization(metadata, caller.orgId, (tx) =>
    keepAnAdmin(tx, async () => {
      const now = await authorizeNow(tx, caller, mayAssign);
      await getMember(tx, { userId });
      const before = (await listMemberRoles(tx, { userId })).filter((role) => role.org_id !== null);
      const kept = new Set(before.map(({ name }) => name));
      const wanted = new Set(change.roles);
      const added = await findGrantableRoles(
        tx,
        now,
        [...wanted].filter((name) => !kept.has(name)),
      );
      const removed = before.filter(({ name }) => !wanted.has(name));
      if (added.length + removed.length === 0) return;
      for (const { role_id } of removed) await deleteMembershipRole(tx, { userId, roleId: role_id });
      for (const { roleId } of added) await insertMembershipRole(tx, { userId, roleId });
      if (removed.length > 0) await revokeInvitations(tx, { invitedBy: userId });
      await recordAudit(tx, caller, {
        action: 'role.assign',
        entityType: 'user',
        entityId: userId,
        before: { roles: [...kept].sort() },
        after: { roles: [...wanted].sort() },
        facts: { added: added.map(({ name }) => name), removed: removed.map(({ name }) => name) },
      });
    }),
  );
}
