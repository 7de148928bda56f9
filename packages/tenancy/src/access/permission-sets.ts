import { GRANTABLE_PERMISSIONS } from '@mad/core';

const OWN = ':own';

/** True for what a role can hold: a permission that exists, as `:own` where rows of it have an owner. */
export function isGrantable(permission: string): boolean {
  return (GRANTABLE_PERMISSIONS as readonly string[]).includes(permission);
}

/** True when who holds `held` may do what `permission` says: what is held for all rows is held for one's own. */
export function covers(held: ReadonlySet<string>, permission: string): boolean {
  return held.has(permission) || (permission.endsWith(OWN) && held.has(permission.slice(0, -OWN.length)));
}

/** What both sets give: `job.cancel` and `job.cancel:own` have `job.cancel:own` in common. */
export function commonPermissions(some: Iterable<string>, others: Iterable<string>): ReadonlySet<string> {
  const [left, right] = [new Set(some), new Set(others)];
  return new Set([...[...left].filter((one) => covers(right, one)), ...[...right].filter((one) => covers(left, one))]);
}
