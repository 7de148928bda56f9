import type { Insertable, Selectable, Updateable } from 'kysely';

/** The table `membership_roles`. */
export interface MembershipRoleTable {
  user_id: string;
  org_id: string;
  role_id: string;
}

/** A row of `membership_roles`. */
export type MembershipRoleRow = Selectable<MembershipRoleTable>;
/** A row to insert into `membership_roles`; columns with a default may be left out. */
export type NewMembershipRoleRow = Insertable<MembershipRoleTable>;
/** The columns of `membership_roles` to change. */
export type MembershipRoleRowUpdate = Updateable<MembershipRoleTable>;
