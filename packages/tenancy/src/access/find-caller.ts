import {
  type Caller,
  inOrganization,
  isUuid,
  type MetadataDatabase,
  type MetadataTransaction,
  OrganizationInactiveError,
  type OrgId,
} from '@mad/core';
import { UserDisabledError } from '../errors.ts';
import { MemberDisabledError } from './access-errors.ts';
import { requireObject } from './require-object.ts';

/**
 * A user as a caller in one organization, as they were when they were looked up: ask again for each request. `permissions` is a Set, which JSON leaves
 * empty: write `[...permissions]`.
 */
export interface Principal extends Caller {
  readonly userId: string;
  /**
   * The names of the roles held there, in alphabetical order; none by an API key, which may do less than they say. A caller with `roles` is looked up
   * again by whatever changes who may do what.
   */
  readonly roles: readonly string[];
}

interface WhoWhere {
  readonly orgId: OrgId;
  readonly userId: string;
}

/**
 * The user as a caller in one of their organizations, with the permissions of all roles held there as they are now; undefined for someone who is
 * not a member, and for an organization that does not exist.
 * @throws {OrganizationInactiveError} when the organization is being provisioned, suspended or going away.
 * @throws {UserDisabledError} @throws {MemberDisabledError}
 */
export async function findCaller(metadata: MetadataDatabase, who: WhoWhere): Promise<Principal | undefined> {
  const { orgId, userId } = requireObject(who, 'caller');
  return inOrganization(metadata, orgId, (tx) => readPrincipal(tx, { orgId, userId }));
}

/** As `findCaller`, in a transaction that is open. */
export async function readPrincipal(
  tx: MetadataTransaction,
  { orgId, userId }: WhoWhere,
): Promise<Principal | undefined> {
  if (!isUuid(orgId) || !isUuid(userId)) return undefined;
  const member = await tx
    .selectFrom('memberships')
    .innerJoin('users', 'users.user_id', 'memberships.user_id')
    .innerJoin('organizations', 'organizations.org_id', 'memberships.org_id')
    .select(['memberships.disabled_at', 'users.enabled', 'organizations.status'])
    .where('memberships.org_id', '=', orgId)
    .where('memberships.user_id', '=', userId)
    .executeTakeFirst();
  if (member === undefined) return undefined;
  if (member.status !== 'active') throw new OrganizationInactiveError({ orgId, status: member.status });
  if (!member.enabled) throw new UserDisabledError({ userId });
  if (member.disabled_at !== null) throw new MemberDisabledError({ orgId, userId });
  const granted = await tx
    .selectFrom('membership_roles')
    .innerJoin('roles', 'roles.role_id', 'membership_roles.role_id')
    .leftJoin('role_permissions', 'role_permissions.role_id', 'roles.role_id')
    .select(['roles.name', 'role_permissions.permission'])
    .where('membership_roles.org_id', '=', orgId)
    .where('membership_roles.user_id', '=', userId)
    .execute();
  return {
    orgId,
    userId,
    permissions: new Set(granted.flatMap(({ permission }) => permission ?? [])),
    roles: [...new Set(granted.map(({ name }) => name))].sort(),
  };
}
