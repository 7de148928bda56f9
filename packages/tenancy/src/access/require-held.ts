import type { Caller } from '@mad/core';
import { GrantRefusedError } from './access-errors.ts';
import { covers } from './permission-sets.ts';

/** @throws {GrantRefusedError} when the caller would hand out a permission that they do not hold. */
export function requireHeld(caller: Pick<Caller, 'permissions'>, permissions: Iterable<string>): void {
  const lacking = [...new Set(permissions)].filter((permission) => !covers(caller.permissions, permission));
  if (lacking.length > 0) throw new GrantRefusedError({ permissions: lacking });
}
