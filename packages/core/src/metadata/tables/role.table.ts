import type { Generated, Insertable, Selectable, Updateable } from 'kysely';

/** The table `roles`. */
export interface RoleTable {
  role_id: Generated<string>;
  /** Null for a global role, which only the operator may write or grant. */
  org_id: string | null;
  name: string;
}

/** A row of `roles`. */
export type RoleRow = Selectable<RoleTable>;
/** A row to insert into `roles`; columns with a default may be left out. */
export type NewRoleRow = Insertable<RoleTable>;
/** The columns of `roles` to change. */
export type RoleRowUpdate = Updateable<RoleTable>;
