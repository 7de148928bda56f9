import { sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { isEmailAddress, requireEmailAddress } from './email-address.ts';
import { idBeforePage } from './keyset.ts';
import type { OperatorTransaction } from './metadata-database.ts';
import { isEmpty } from './owned-row.ts';
import type { NewUserRow, UserRow, UserRowUpdate } from './tables/user.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'user';
const where = 'this platform';
const hint = 'e-mail addresses are unique, whatever their case: make the existing user a member';

/** `hashed_password` of someone who signs in elsewhere. No hash looks like it, so no password verifies against it. */
export const UNUSABLE_PASSWORD = '!';

/** A user of the platform, with the password hash. Members of one organization are found by `findMember`. */
export function findUser(
  tx: OperatorTransaction,
  { userId }: { readonly userId: string },
): Promise<UserRow | undefined> {
  return tx.selectFrom('users').selectAll().where('user_id', '=', rowId(userId)).executeTakeFirst();
}

/** As `findUser`, for a row that must be there. @throws {NotFoundError} */
export async function getUser(tx: OperatorTransaction, { userId }: { readonly userId: string }): Promise<UserRow> {
  return found(await findUser(tx, { userId }), { entity, id: userId, where });
}

/** The user of this address, whatever its case; undefined for what is none that a user can have. */
export function findUserByEmail(
  tx: OperatorTransaction,
  { email }: { readonly email: string },
): Promise<UserRow | undefined> {
  // What is none is asked for too, as none: so that both take as long.
  const asked = isEmailAddress(email) ? email : '';
  return tx.selectFrom('users').selectAll().where('email', '=', asked).executeTakeFirst();
}

/** All users of the platform, newest first. */
export async function listUsers(tx: OperatorTransaction, request: PageRequest = {}): Promise<Page<UserRow>> {
  const rows = await tx
    .selectFrom('users')
    .selectAll()
    .where('user_id', '<', idBeforePage(request))
    .orderBy('user_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.user_id]);
}

/**
 * Without `hashed_password` the user has none and no password verifies.
 * @throws {ConflictError} when the address is taken in any case. @throws {ValidationFailedError} when it is not printable ASCII.
 */
export async function insertUser(
  tx: OperatorTransaction,
  user: Omit<NewUserRow, 'hashed_password'> & { readonly hashed_password?: string | undefined },
): Promise<UserRow> {
  requireEmailAddress(user.email);
  const row = { ...user, user_id: user.user_id ?? newId(), hashed_password: user.hashed_password ?? UNUSABLE_PASSWORD };
  return translateRefusal({ entity, id: row.user_id, hint }, () =>
    tx.insertInto('users').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/**
 * Changes the columns given.
 * @throws {NotFoundError} @throws {ConflictError} when the new address is taken in any case. @throws {ValidationFailedError} when it is not printable ASCII.
 */
export async function updateUser(
  tx: OperatorTransaction,
  { userId, set }: { readonly userId: string; readonly set: Omit<UserRowUpdate, 'user_id'> },
): Promise<UserRow> {
  if (isEmpty(set)) return getUser(tx, { userId });
  if (set.email !== undefined) requireEmailAddress(set.email);
  const row = await translateRefusal({ entity, id: userId, hint }, () =>
    tx.updateTable('users').set(set).where('user_id', '=', rowId(userId)).returningAll().executeTakeFirst(),
  );
  return found(row, { entity, id: userId, where });
}

/**
 * Removes the user with memberships, identities and tokens, and ends the invitations they made. What else they made stays, without a maker; audit logs
 * keep their id and e-mail.
 * Returns false when there was none.
 */
export async function deleteUser(tx: OperatorTransaction, { userId }: { readonly userId: string }): Promise<boolean> {
  const id = rowId(userId);
  // These two references neither cascade nor blank themselves.
  await tx.updateTable('task_definitions').set({ created_by: null }).where('created_by', '=', id).execute();
  await tx.updateTable('pipeline_templates').set({ created_by: null }).where('created_by', '=', id).execute();
  await tx
    .updateTable('invitations')
    .set({ revoked_at: sql<Date>`now()` })
    .where('invited_by', '=', id)
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
    .execute();
  const { numDeletedRows } = await tx.deleteFrom('users').where('user_id', '=', id).executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
