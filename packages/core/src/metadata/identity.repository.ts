import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import type { OperatorTransaction } from './metadata-database.ts';
import type { IdentityRow, NewIdentityRow } from './tables/identity.table.ts';
import type { UserRow } from './tables/user.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';
import { findUserByEmail } from './user.repository.ts';

const entity = 'identity';
const hint = 'this subject is linked to a user already, and an identity never passes to another';

/** A link between a user and a provider's subject. */
export function findIdentity(
  tx: OperatorTransaction,
  { identityId }: { readonly identityId: string },
): Promise<IdentityRow | undefined> {
  return tx.selectFrom('identities').selectAll().where('identity_id', '=', rowId(identityId)).executeTakeFirst();
}

/** As `findIdentity`, for a row that must be there. @throws {NotFoundError} */
export async function getIdentity(
  tx: OperatorTransaction,
  { identityId }: { readonly identityId: string },
): Promise<IdentityRow> {
  return found(await findIdentity(tx, { identityId }), { entity, id: identityId });
}

/** The identity that the provider's subject is linked by. */
export function findIdentityBySubject(
  tx: OperatorTransaction,
  { providerId, subject }: { readonly providerId: string; readonly subject: string },
): Promise<IdentityRow | undefined> {
  return tx
    .selectFrom('identities')
    .selectAll()
    .where('provider_id', '=', rowId(providerId))
    .where('subject', '=', subject)
    .executeTakeFirst();
}

/** What a provider says of the one who signs in. */
export interface ProviderAssertion {
  readonly providerId: string;
  readonly subject: string;
  readonly email?: string | null | undefined;
  readonly emailVerified?: boolean | undefined;
  /** The host trusts this provider's verified addresses. @default false */
  readonly linkByEmail?: boolean | undefined;
}

/**
 * The user who signs in: by provider and subject; by e-mail only when the provider verified it and the host opted in. An address alone
 * proves nothing: whoever may type it at some provider would take over the account.
 */
export async function findUserByAssertion(
  tx: OperatorTransaction,
  assertion: ProviderAssertion,
): Promise<UserRow | undefined> {
  const { providerId, subject, email, emailVerified = false, linkByEmail = false } = assertion;
  const identity = await findIdentityBySubject(tx, { providerId, subject });
  if (identity) return tx.selectFrom('users').selectAll().where('user_id', '=', identity.user_id).executeTakeFirst();
  return email && emailVerified && linkByEmail ? findUserByEmail(tx, { email }) : undefined;
}

export interface ListIdentities extends PageRequest {
  readonly userId?: string | undefined;
}

/** Identities, newest first: a user's, or all. */
export async function listIdentities(
  tx: OperatorTransaction,
  request: ListIdentities = {},
): Promise<Page<IdentityRow>> {
  let query = tx.selectFrom('identities').selectAll().where('identity_id', '<', idBeforePage(request));
  if (request.userId !== undefined) query = query.where('user_id', '=', rowId(request.userId));
  const rows = await query
    .orderBy('identity_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.identity_id]);
}

/**
 * Links a provider's subject to a user.
 * @throws {ConflictError} when the subject is linked already.
 * @throws {RowRefusedError} when the user or the provider does not exist.
 */
export function insertIdentity(tx: OperatorTransaction, identity: NewIdentityRow): Promise<IdentityRow> {
  const row = { ...identity, identity_id: identity.identity_id ?? newId() };
  return translateRefusal({ entity, id: row.identity_id, hint }, () =>
    tx.insertInto('identities').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Keeps what the provider last said of the address. @throws {NotFoundError} */
export async function updateIdentity(
  tx: OperatorTransaction,
  {
    identityId,
    set,
  }: { readonly identityId: string; readonly set: { readonly email: string | null; readonly email_verified: boolean } },
): Promise<IdentityRow> {
  const { email, email_verified } = set;
  const row = await tx
    .updateTable('identities')
    .set({ email, email_verified })
    .where('identity_id', '=', rowId(identityId))
    .returningAll()
    .executeTakeFirst();
  return found(row, { entity, id: identityId });
}

/** Returns false when there was none. */
export async function deleteIdentity(
  tx: OperatorTransaction,
  { identityId }: { readonly identityId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('identities')
    .where('identity_id', '=', rowId(identityId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
