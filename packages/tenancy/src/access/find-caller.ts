import {
  type Caller,
  findMember,
  findOrganization,
  inOrganization,
  listMemberPermissions,
  type MetadataDatabase,
  type OrgId,
} from '@mad/core';
import { OrganizationInactiveError, UserDisabledError } from '../errors.ts';

/**
 * The user as a caller in one of their organizations, with the permissions of all roles held there as they are now; undefined for someone who is
 * not a member, and for an organization that does not exist.
 * @throws {OrganizationInactiveError} when the organization is being provisioned, suspended or going away.
 * @throws {UserDisabledError}
 */
export async function findCaller(
  metadata: MetadataDatabase,
  { orgId, userId }: { orgId: OrgId; userId: string },
): Promise<Caller | undefined> {
  return inOrganization(metadata, orgId, async (tx) => {
    const organization = await findOrganization(tx, { orgId });
    const member = organization && (await findMember(tx, { userId }));
    if (organization === undefined || member === undefined) return undefined;
    if (organization.status !== 'active') throw new OrganizationInactiveError({ orgId, status: organization.status });
    if (!member.enabled) throw new UserDisabledError({ userId });
    return { orgId, userId, permissions: new Set(await listMemberPermissions(tx, { userId })) };
  });
}
