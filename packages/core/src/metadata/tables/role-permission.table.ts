import type { Insertable, Selectable, Updateable } from 'kysely';

/** The table `role_permissions`. */
export interface RolePermissionTable {
  role_id: string;
  permission: string;
}

/** A row of `role_permissions`. */
export type RolePermissionRow = Selectable<RolePermissionTable>;
/** A row to insert into `role_permissions`; columns with a default may be left out. */
export type NewRolePermissionRow = Insertable<RolePermissionTable>;
/** The columns of `role_permissions` to change. */
export type RolePermissionRowUpdate = Updateable<RolePermissionTable>;
