import { PermissionDeniedError, ValidationFailedError } from '../errors.ts';
import { isUuid, type OrgId } from '../ids.ts';
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
 * @throws {ValidationFailedError} for a caller whose user or organization is no uuid: no row could name them.
 */
export function authorize(caller: Caller, permission: Permission, resource: Resource = {}): void {
  const { orgId, userId, permissions } = caller;
  if (!isUuid(orgId) || !(userId === null || isUuid(userId))) throw notCaller(caller);
  const isForeign = resource.orgId !== undefined && resource.orgId.toLowerCase() !== orgId.toLowerCase();
  if (!isForeign && permissions.has(permission)) return;
  const owns = userId !== null && userId === resource.ownerId;
  if (isForeign || !(owns && RULES[permission].own && permissions.has(`${permission}:own`)))
    throw new PermissionDeniedError({ permission, hint: HINTS[permission] });
}

/** No role of an organization is made with these, and so nobody there can grant them. */
const HINTS: { readonly [P in Permission]?: string } = {
  'org.quota.update': 'ask the operator of the platform, who sets quotas',
};

function notCaller({ orgId, userId }: Caller): ValidationFailedError {
  const issues = Object.entries({ orgId, userId })
    .filter(([name, id]) => !isUuid(id) && !(name === 'userId' && id === null))
    .map(([name]) => ({
      pointer: `/${name}`,
      message: name === 'userId' ? 'expected a uuid, or null' : 'expected a uuid',
    }));
  return new ValidationFailedError({ subject: 'caller', issues });
}
