import { sql } from 'kysely';
import { rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import {
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { MembershipRow } from './tables/membership.table.ts';
import type { MembershipRoleRow } from './tables/membership-role.table.ts';
import type { OrganizationStatus } from './tables/organization.table.ts';
import type { RoleRow } from './tables/role.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'member';

/** A user as an organization sees its member: never the password hash. */
export interface Member {
  readonly user_id: string;
  readonly email: string;
  readonly enabled: boolean;
  /** When the user became a member. */
  readonly created_at: Date;
  /** Since when the member may do nothing in this organization; null for one who may. */
  readonly disabled_at: Date | null;
}

/** The member; undefined for a user of other organizations. */
export function findMember(
  tx: OrganizationTransaction,
  { userId }: { readonly userId: string },
): Promise<Member | undefined> {
  return members(tx).where('memberships.user_id', '=', rowId(userId)).executeTakeFirst();
}

/** As `findMember`, for a row that must be there. @throws {NotFoundError} */
export async function getMember(tx: OrganizationTransaction, { userId }: { readonly userId: string }): Promise<Member> {
  return found(await findMember(tx, { userId }), { entity, id: userId });
}

/** The members of the organization, the newest users first. */
export async function listMembers(tx: OrganizationTransaction, request: PageRequest = {}): Promise<Page<Member>> {
  const rows = await members(tx)
    .where('memberships.user_id', '<', idBeforePage(request))
    .orderBy('memberships.user_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.user_id]);
}

/** An organization that a user may choose at sign-in. */
export interface UserOrganization {
  readonly org_id: string;
  readonly name: string;
  readonly status: OrganizationStatus;
}

/** The organizations a user is a member of, and not disabled there, by name. */
export async function listUserOrganizations(
  tx: OperatorTransaction,
  { userId }: { readonly userId: string },
): Promise<readonly UserOrganization[]> {
  return tx
    .selectFrom('memberships')
    .innerJoin('organizations', 'organizations.org_id', 'memberships.org_id')
    .select(['organizations.org_id', 'organizations.name', 'organizations.status'])
    .where('memberships.user_id', '=', rowId(userId))
    .where('memberships.disabled_at', 'is', null)
    .orderBy('organizations.name')
    .execute();
}

/**
 * Makes a user a member. Whether there is such a user shows in the answer, and its e-mail afterwards: never with an id that a member of the organization
 * named. Those invite.
 * @throws {ConflictError} when the user is one. @throws {RowRefusedError} when there is no such user.
 */
export function insertMembership(
  tx: OrganizationTransaction,
  { userId }: { readonly userId: string },
): Promise<MembershipRow> {
  return join(tx, { user_id: userId, org_id: organizationOf(tx) });
}

/** Makes a user a member of the organization named. @throws as `insertMembership`. */
export function insertMembershipAsOperator(
  tx: OperatorTransaction,
  { userId, orgId }: { readonly userId: string; readonly orgId: string },
): Promise<MembershipRow> {
  return join(tx, { user_id: userId, org_id: orgId });
}

function join(tx: MetadataTransaction, row: Pick<MembershipRow, 'user_id' | 'org_id'>): Promise<MembershipRow> {
  return translateRefusal({ entity, id: row.user_id, hint: 'the user is a member of this organization already' }, () =>
    tx.insertInto('memberships').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Disables a member or lets them in again; their roles stay. @throws {NotFoundError} */
export async function setMembershipDisabled(
  tx: OrganizationTransaction,
  { userId, disabled }: { readonly userId: string; readonly disabled: boolean },
): Promise<void> {
  const row = await tx
    .updateTable('memberships')
    .set({ disabled_at: disabled ? sql<Date>`now()` : null })
    .where('org_id', '=', organizationOf(tx))
    .where('user_id', '=', rowId(userId))
    .returning('user_id')
    .executeTakeFirst();
  found(row, { entity, id: userId });
}

/** The organizations in which a user holds the role `admin` of that organization. */
export async function listAdministered(
  tx: OperatorTransaction,
  { userId }: { readonly userId: string },
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('membership_roles')
    .innerJoin('roles', 'roles.role_id', 'membership_roles.role_id')
    .select('roles.org_id')
    .where('membership_roles.user_id', '=', rowId(userId))
    .where('roles.name', '=', 'admin')
    .where('roles.org_id', 'is not', null)
    .orderBy('roles.org_id')
    .execute();
  return rows.flatMap(({ org_id }) => org_id ?? []);
}

/** Waits for whoever changes the administrators of the organization now, and keeps others from it until the transaction ends. */
export async function lockAdmins(tx: MetadataTransaction, { orgId }: { readonly orgId: string }): Promise<void> {
  await tx
    .selectFrom('roles')
    .select('role_id')
    .where('org_id', '=', rowId(orgId))
    .where('name', '=', 'admin')
    .forNoKeyUpdate()
    .execute();
}

/** How many members who are enabled, as users and there, hold the role `admin` of the organization. */
export async function countAdmins(tx: MetadataTransaction, { orgId }: { readonly orgId: string }): Promise<number> {
  const { admins } = await tx
    .selectFrom('membership_roles as granted')
    .innerJoin('roles', 'roles.role_id', 'granted.role_id')
    .innerJoin('memberships', (on) =>
      on.onRef('memberships.user_id', '=', 'granted.user_id').onRef('memberships.org_id', '=', 'granted.org_id'),
    )
    .innerJoin('users', 'users.user_id', 'granted.user_id')
    .select((eb) => eb.cast<number>(eb.fn.countAll(), 'integer').as('admins'))
    .where('roles.org_id', '=', rowId(orgId))
    .where('roles.name', '=', 'admin')
    .where('memberships.disabled_at', 'is', null)
    .where('users.enabled', '=', true)
    .executeTakeFirstOrThrow();
  return admins;
}

/** Ends a membership with the roles held by it. Returns false when the user was no member. */
export async function deleteMembership(
  tx: OrganizationTransaction,
  { userId }: { readonly userId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('memberships')
    .where('org_id', '=', organizationOf(tx))
    .where('user_id', '=', rowId(userId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** The roles a member holds in the organization, global ones too, by name. */
export function listMemberRoles(
  tx: OrganizationTransaction,
  { userId }: { readonly userId: string },
): Promise<RoleRow[]> {
  return tx
    .selectFrom('membership_roles')
    .innerJoin('roles', 'roles.role_id', 'membership_roles.role_id')
    .selectAll('roles')
    .where('membership_roles.org_id', '=', organizationOf(tx))
    .where('membership_roles.user_id', '=', rowId(userId))
    .orderBy('roles.name')
    .execute();
}

/** Every permission that one of the member's roles holds, once, in alphabetical order. */
export async function listMemberPermissions(
  tx: OrganizationTransaction,
  { userId }: { readonly userId: string },
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('membership_roles')
    .innerJoin('role_permissions', 'role_permissions.role_id', 'membership_roles.role_id')
    .select('role_permissions.permission')
    .distinct()
    .where('membership_roles.org_id', '=', organizationOf(tx))
    .where('membership_roles.user_id', '=', rowId(userId))
    .orderBy('role_permissions.permission')
    .execute();
  return rows.map((row) => row.permission);
}

interface Grant {
  readonly userId: string;
  readonly roleId: string;
}

/**
 * Grants a member one of the organization's own roles.
 * @throws {ConflictError} when the member holds it. @throws {RowRefusedError} for another organization's role, a global one, or no member.
 */
export function insertMembershipRole(
  tx: OrganizationTransaction,
  { userId, roleId }: Grant,
): Promise<MembershipRoleRow> {
  return grant(tx, { user_id: userId, org_id: organizationOf(tx), role_id: roleId });
}

/** Grants a member any role of that organization or a global one. @throws as `insertMembershipRole`, but for global roles. */
export function insertMembershipRoleAsOperator(
  tx: OperatorTransaction,
  { userId, roleId, orgId }: Grant & { readonly orgId: string },
): Promise<MembershipRoleRow> {
  return grant(tx, { user_id: userId, org_id: orgId, role_id: roleId });
}

/** Takes a role from a member. Returns false when the member did not hold it, or it is global. */
export async function deleteMembershipRole(tx: OrganizationTransaction, { userId, roleId }: Grant): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('membership_roles')
    .where('org_id', '=', organizationOf(tx))
    .where('user_id', '=', rowId(userId))
    .where('role_id', '=', rowId(roleId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

function grant(tx: MetadataTransaction, row: MembershipRoleRow): Promise<MembershipRoleRow> {
  return translateRefusal(
    { entity: 'role of a member', id: row.role_id, hint: 'the member holds this role already' },
    () => tx.insertInto('membership_roles').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

function members(tx: OrganizationTransaction) {
  return tx
    .selectFrom('memberships')
    .innerJoin('users', 'users.user_id', 'memberships.user_id')
    .select(['users.user_id', 'users.email', 'users.enabled', 'memberships.created_at', 'memberships.disabled_at'])
    .where('memberships.org_id', '=', organizationOf(tx));
}
