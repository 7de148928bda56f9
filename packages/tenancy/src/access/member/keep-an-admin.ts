import { countAdmins, lockAdmins, type OrganizationTransaction, organizationOf } from '@mad/core';
import { LastAdminError } from '../access-errors.ts';

/**
 * Runs a change of who administers the organization, one at a time, and refuses it when nobody who may act would be left: of two administrators
 * who remove each other at once the second is refused. An organization without one is left alone.
 * @throws {LastAdminError} and the transaction takes everything back.
 */
export async function keepAnAdmin<T>(tx: OrganizationTransaction, change: () => Promise<T>): Promise<T> {
  const orgId = organizationOf(tx);
  await lockAdmins(tx, { orgId });
  const before = await countAdmins(tx, { orgId });
  const result = await change();
  if (before > 0 && (await countAdmins(tx, { orgId })) === 0) throw new LastAdminError({ orgId });
  return result;
}
