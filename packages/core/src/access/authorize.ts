import { PermissionDeniedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { Caller } from './caller.ts';
import { type Permission, RULES } from './rules.ts';

/** The row that is asked for. */
export interface Resource {
  /** @default the caller's organization */
  readonly orgId?: OrgId | undefined;
  /** The user it belongs to; null: nobody. @default nobody */
  readonly ownerId?: string | null | undefined;
}

/**
 * Whether the caller may do this, to this row where one is named: with the permission itself for every row of the caller's organization, as
 * `<permission>:own` for those whose owner the caller is. Nothing opens a row of another organization.
 * @throws {PermissionDeniedError}
 */
export function authorize(caller: Caller, permission: Permission, resource: Resource = {}): void {
  const { orgId, userId, permissions } = caller;
  const isForeign = resource.orgId !== undefined && resource.orgId.toLowerCase() !== orgId.toLowerCase();
  if (!isForeign && permissions.has(permission)) return;
  const owns = userId !== null && userId === resource.ownerId;
  if (isForeign || !(owns && RULES[permission].own && permissions.has(`${permission}:own`)))
    throw new PermissionDeniedError({ permission });
}
