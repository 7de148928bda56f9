import type { Generated, Insertable, Selectable, Updateable } from 'kysely';

/** The table `roles`. */
export interface RoleTable {
  role_id: Generated<string>;
  /** Null for a global role, which only the operator may write or grant. */
  org_id: string | null;
  name: string;
}

/** A row of `roles`. */
export type Role = Selectable<RoleTable>;
/** A row to insert into `roles`; columns with a default may be left out. */
export type NewRole = Insertable<RoleTable>;
/** The columns of `roles` to change. */
export type RoleUpdate = Updateable<RoleTable>;
