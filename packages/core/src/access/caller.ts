import { PermissionDeniedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';

/** Who asks, in which organization, with which permissions. Made by `@mad/tenancy`, or by a host that has its own identities. */
export interface Caller {
  readonly orgId: OrgId;
  /** Absent for work that no user asked for. */
  readonly userId: string | null;
  readonly permissions: ReadonlySet<string>;
}

/** @throws {PermissionDeniedError} when the caller does not hold the permission. */
export function requirePermission(caller: Caller, permission: string): void {
  if (!caller.permissions.has(permission)) throw new PermissionDeniedError({ permission });
}

/**
 * The same for a row that somebody owns: `job.cancel:own` is enough where the caller is its owner.
 * @throws {PermissionDeniedError}
 */
export function requirePermissionOn(
  caller: Caller,
  { permission, ownerId }: { readonly permission: string; readonly ownerId: string | null },
): void {
  const owns = caller.userId !== null && caller.userId === ownerId;
  if (!owns || !caller.permissions.has(`${permission}:own`)) requirePermission(caller, permission);
}
