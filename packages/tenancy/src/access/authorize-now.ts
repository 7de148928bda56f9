import { type Caller, type OrganizationTransaction, organizationOf } from '@mad/core';
import { type SqlBool, sql } from 'kysely';
import { TokenRefusedError } from './access-errors.ts';
import { type Principal, readPrincipal } from './find-caller.ts';
import { commonPermissions } from './permission-sets.ts';

/** True for a caller that this package looked up; false for one that a host made itself, on its own word: a program, or the operator by a user's name. */
export function isPrincipal(caller: Caller): caller is Principal {
  return 'roles' in caller && caller.userId !== null;
}

/**
 * Asks once more, in the transaction of a change of who may do what: of a principal as they are now, who may have been held since before they left, were
 * disabled, lost a role, or their API key was revoked. What comes back may do what was held and is held still. A removal that runs at once waits
 * for this transaction, and then ends what it made. Where administrators are locked, ask behind that lock.
 * @throws {PermissionDeniedError} also for who is no member any more. @throws {OrganizationInactiveError} @throws {UserDisabledError}
 * @throws {MemberDisabledError} @throws {TokenRefusedError} for an API key that is no longer in force.
 */
export async function authorizeNow(
  tx: OrganizationTransaction,
  caller: Caller,
  ask: (now: Caller) => void,
): Promise<Caller> {
  const now = isPrincipal(caller) ? await lookUpAgain(tx, caller) : caller;
  ask(now);
  return now;
}

async function lookUpAgain(tx: OrganizationTransaction, principal: Principal): Promise<Caller> {
  const orgId = organizationOf(tx);
  const { userId, apiKeyId } = principal;
  await tx
    .selectFrom('memberships')
    .select('user_id')
    .where('org_id', '=', orgId)
    .where('user_id', '=', userId)
    .forShare()
    .execute();
  const { permissions: ofRoles = [] } = (await readPrincipal(tx, { orgId, userId })) ?? {};
  const held =
    apiKeyId === undefined ? ofRoles : commonPermissions(await readScopes(tx, { userId, apiKeyId }), ofRoles);
  return { ...principal, permissions: commonPermissions(principal.permissions, held) };
}

async function readScopes(
  tx: OrganizationTransaction,
  { userId, apiKeyId }: { readonly userId: string; readonly apiKeyId: string },
): Promise<readonly string[]> {
  const key = await tx
    .selectFrom('tokens')
    .select('scopes')
    .where('token_id', '=', apiKeyId)
    .where('user_id', '=', userId)
    .where('kind', '=', 'api_key')
    .where('revoked', '=', false)
    .where(sql<SqlBool>`expires_at > now()`)
    .executeTakeFirst();
  if (key === undefined) throw new TokenRefusedError();
  return key.scopes;
}
