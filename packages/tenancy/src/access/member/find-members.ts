import {
  authorize,
  type Caller,
  inOrganization,
  listMembers,
  type MetadataDatabase,
  type Page,
  type PageRequest,
} from '@mad/core';
import { requireObject } from '../require-object.ts';

/** A member of an organization with the roles held there. */
export interface OrganizationMember {
  readonly userId: string;
  readonly email: string;
  /** False: the operator keeps the account out of the whole platform. */
  readonly enabled: boolean;
  readonly joinedAt: Date;
  /** Since when the organization keeps them out; null for one who may act. */
  readonly disabledAt: Date | null;
  /** Names, in alphabetical order. */
  readonly roles: readonly string[];
}

/** The members of the caller's organization with their roles, the newest users first. Needs `org.view`. @throws {PermissionDeniedError} */
export async function findMembers(
  metadata: MetadataDatabase,
  caller: Caller,
  page: PageRequest = {},
): Promise<Page<OrganizationMember>> {
  authorize(caller, 'org.view');
  requireObject(page, 'page');
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const { items, ...rest } = await listMembers(tx, page);
    const userIds = items.map(({ user_id }) => user_id);
    const held =
      userIds.length === 0
        ? []
        : await tx
            .selectFrom('membership_roles')
            .innerJoin('roles', 'roles.role_id', 'membership_roles.role_id')
            .select(['membership_roles.user_id', 'roles.name'])
            .where('membership_roles.org_id', '=', caller.orgId)
            .where('membership_roles.user_id', 'in', userIds)
            .execute();
    const rolesOf = Map.groupBy(held, ({ user_id }) => user_id);
    const members = items.map(({ user_id: userId, email, enabled, created_at, disabled_at }) => {
      const roles = (rolesOf.get(userId) ?? []).map(({ name }) => name).sort();
      return { userId, email, enabled, joinedAt: created_at, disabledAt: disabled_at, roles };
    });
    return { items: members, ...rest };
  });
}
