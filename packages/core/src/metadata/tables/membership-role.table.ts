import type { Insertable, Selectable, Updateable } from 'kysely';

/** The table `membership_roles`. */
export interface MembershipRoleTable {
  user_id: string;
  org_id: string;
  role_id: string;
}

/** A row of `membership_roles`. */
export type MembershipRole = Selectable<MembershipRoleTable>;
/** A row to insert into `membership_roles`; columns with a default may be left out. */
export type NewMembershipRole = Insertable<MembershipRoleTable>;
/** The columns of `membership_roles` to change. */
export type MembershipRoleUpdate = Updateable<MembershipRoleTable>;
