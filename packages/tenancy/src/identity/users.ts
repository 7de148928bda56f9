import {
  ConflictError,
  checkRequest,
  countAdmins,
  findUserByEmail,
  getUser,
  inAllOrganizations,
  insertUser,
  listAdministered,
  lockAdmins,
  type MetadataDatabase,
  type OperatorTransaction,
  recordOperatorAudit,
  revokeUserTokens,
  updateUser,
} from '@mad/core';
import { z } from 'zod';
import { LastAdminError } from '../access/access-errors.ts';
import { checkPassword, defaultPasswordHasher, type PasswordHasher } from './password.ts';

/** What the operator's calls on users work with. */
export interface UsersContext {
  readonly metadata: MetadataDatabase;
  /** @default argon2id, 19 MiB, 2 passes, 1 lane */
  readonly passwords?: PasswordHasher | undefined;
}

/** Which user, and who asks for it: a user's id, null for a program. */
export interface OfUser {
  readonly userId: string;
  readonly actor: string | null;
}

const actor = z.uuid().nullable();
const ofUser = z.object({ userId: z.string(), actor });

const newUser = z.strictObject({
  email: z.email().max(320),
  password: z.string().optional(),
  actor,
});

function checkOfUser<Request extends OfUser>(request: Request): Request {
  checkRequest(ofUser, { subject: 'request on a user', value: request });
  return request;
}

/** Makes a user of the platform, a member of nothing; without a password they sign in by an identity provider. @throws {ValidationFailedError} @throws {ConflictError} when the address has a user. */
export async function createUser(
  { metadata, passwords = defaultPasswordHasher }: UsersContext,
  user: { readonly email: string; readonly password?: string | undefined; readonly actor: string | null },
): Promise<{ readonly userId: string }> {
  checkRequest(newUser, { subject: 'user', value: user });
  const { email, password, actor } = user;
  const hashed_password = password === undefined ? undefined : await passwords.hash(checkPassword(password));
  return inAllOrganizations(metadata, async (tx) => {
    const there = await findUserByEmail(tx, { email });
    if (there) throw new ConflictError({ entity: 'user', id: there.user_id, hint: 'make the existing user a member' });
    const { user_id: userId } = await insertUser(tx, { email, hashed_password });
    await audit(tx, { userId, actor }, { action: 'user.create', after: { email } });
    return { userId };
  });
}

/**
 * Gives the user this password and ends all of their sessions; API keys go on. Who asks was proven by the host: by `signIn` with the password
 * until now, or by a message to the address. @throws {ValidationFailedError} @throws {NotFoundError}
 */
export async function setPassword(
  { metadata, passwords = defaultPasswordHasher }: UsersContext,
  request: OfUser & { readonly password: string },
): Promise<void> {
  const { userId, actor, password } = checkOfUser(request);
  const hashed_password = await passwords.hash(checkPassword(password));
  await inAllOrganizations(metadata, async (tx) => {
    await updateUser(tx, { userId, set: { hashed_password } });
    await revokeUserTokens(tx, { userId, kind: 'refresh' });
    await audit(tx, { userId, actor }, { action: 'user.password' });
  });
}

export interface DisableUser extends OfUser {
  /** True: also where an organization is left without an administrator, as for an account in wrong hands. @default false */
  readonly evenLastAdmin?: boolean | undefined;
}

/**
 * Keeps a user out of the whole platform, by any sign-in and any key, and ends their sessions. What an organization may do is
 * `disableMember`: this is the operator's. @throws {ValidationFailedError} @throws {NotFoundError} @throws {LastAdminError}
 */
export async function disableUser({ metadata }: Pick<UsersContext, 'metadata'>, request: DisableUser): Promise<void> {
  const { userId, actor, evenLastAdmin = false } = checkOfUser(request);
  await inAllOrganizations(metadata, async (tx) => {
    const { enabled } = await getUser(tx, { userId });
    if (!enabled) return;
    const administered = await listAdministered(tx, { userId });
    const administrated: string[] = [];
    for (const orgId of administered) {
      await lockAdmins(tx, { orgId });
      if ((await countAdmins(tx, { orgId })) > 0) administrated.push(orgId);
    }
    await updateUser(tx, { userId, set: { enabled: false } });
    for (const orgId of administrated)
      if (!evenLastAdmin && (await countAdmins(tx, { orgId })) === 0) throw new LastAdminError({ orgId });
    await revokeUserTokens(tx, { userId, kind: 'refresh' });
    await tx
      .updateTable('invitations')
      .set({ revoked_at: new Date() })
      .where('invited_by', '=', userId)
      .where('accepted_at', 'is', null)
      .where('revoked_at', 'is', null)
      .execute();
    await audit(
      tx,
      { userId, actor },
      { action: 'user.disable', before: { enabled: true }, after: { enabled: false } },
    );
  });
}

/** Lets a user in again, with the memberships and keys they had. @throws {ValidationFailedError} @throws {NotFoundError} */
export async function reactivateUser({ metadata }: Pick<UsersContext, 'metadata'>, request: OfUser): Promise<void> {
  const { userId, actor } = checkOfUser(request);
  await inAllOrganizations(metadata, async (tx) => {
    const { enabled } = await getUser(tx, { userId });
    if (enabled) return;
    await updateUser(tx, { userId, set: { enabled: true } });
    await audit(tx, { userId, actor }, { action: 'user.reactivate', before: { enabled }, after: { enabled: true } });
  });
}

interface UserChange {
  readonly action: string;
  readonly before?: { readonly [name: string]: boolean | string };
  readonly after?: { readonly [name: string]: boolean | string };
}

function audit(tx: OperatorTransaction, { userId, actor }: OfUser, change: UserChange): Promise<void> {
  return recordOperatorAudit(tx, { orgId: null, actor }, { ...change, entityType: 'user', entityId: userId });
}
