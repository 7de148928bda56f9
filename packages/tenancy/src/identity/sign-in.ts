import {
  checkRequest,
  findUserByEmail,
  forgetSignInAttempts,
  inAllOrganizations,
  isEmailAddress,
  listUserOrganizations,
  type OperatorTransaction,
  type OrganizationStatus,
  type OrgId,
  recordOperatorAudit,
  type UserRow,
  updateUser,
} from '@mad/core';
import { z } from 'zod';
import { SignInFailedError } from './identity-errors.ts';
import { defaultPasswordHasher, type PasswordHasher, restOfWork, tryNormalize } from './password.ts';
import { openSession, type SessionContext, type SessionToken } from './session.ts';
import { accountKey, countAttempt, parseLimits, type SomeLimits } from './sign-in-limits.ts';

/** What signing in by a password works with. */
export interface SignInContext extends SessionContext {
  /** @default argon2id, 19 MiB, 2 passes, 1 lane */
  readonly passwords?: PasswordHasher | undefined;
  /** @default 20 tries for an account and 100 from an address in 15 minutes */
  readonly limits?: SomeLimits | undefined;
}

export interface SignIn {
  readonly email: string;
  readonly password: string;
  /** Where the request comes from, as the host knows it: never a header that a client may write. Left out, addresses are not limited. */
  readonly address?: string | undefined;
}

/** An organization of a user who signed in. */
export interface SignedInOrganization {
  readonly orgId: OrgId;
  readonly name: string;
  readonly status: OrganizationStatus;
}

/** A user who proved who they are, and has not chosen an organization. */
export interface SignedIn extends SessionToken {
  readonly user: { readonly userId: string; readonly email: string };
  /** Those they are a member of, by name; only active ones can be chosen. */
  readonly organizations: readonly SignedInOrganization[];
}

/** A hash of nobody's password for each hasher, made before anybody is looked up. */
const dummies = new WeakMap<PasswordHasher, Promise<string>>();

/**
 * Signs a user in by e-mail and password. Whoever is not signed in is answered alike after the same work: the address is looked up and one
 * hash verified, whether the account is unknown, disabled, without a password or locked, or the password wrong. For an argon2id hash of less work than
 * the hasher takes the rest of that work is done too, and who signs in has it made anew.
 * @throws {SignInFailedError} @throws {ValidationFailedError} for what is no request, and for limits that are none.
 */
export async function signIn(context: SignInContext, request: SignIn): Promise<SignedIn> {
  const { metadata, passwords = defaultPasswordHasher, limits, sessionMs } = context;
  const { email, password, address } = parse(request);
  const isWithinLimits = await countAttempt(metadata, { email, address }, parseLimits(limits));
  const dummy = await dummyOf(passwords);
  const user = await inAllOrganizations(metadata, (tx) => findUserByEmail(tx, { email }));
  const normalized = tryNormalize(password);
  const hashed = isWithinLimits && normalized !== undefined && user?.enabled ? hashOf(user) : undefined;
  const isRight = await passwords.verify(hashed ?? dummy, normalized ?? 'nobody');
  if (user === undefined || hashed === undefined || normalized === undefined || !isRight) {
    const rest = hashed && restOfWork(hashed, dummy);
    if (rest) await passwords.verify(rest, normalized ?? 'nobody');
    throw new SignInFailedError();
  }
  const rehashed = passwords.isWeaker(hashed) ? await passwords.hash(normalized) : undefined;

  return inAllOrganizations(metadata, async (tx) => {
    await requireUnchanged(tx, user);
    if (rehashed) await updateUser(tx, { userId: user.user_id, set: { hashed_password: rehashed } });
    await forgetSignInAttempts(tx, { key: accountKey(email) });
    return enter(tx, { user, sessionMs, by: { method: 'password' } });
  });
}

/** Opens the session of a user who proved who they are, and records it. */
export async function enter(
  tx: OperatorTransaction,
  {
    user,
    sessionMs,
    by,
  }: {
    readonly user: Pick<UserRow, 'user_id' | 'email'>;
    readonly sessionMs: number | undefined;
    readonly by: { readonly method: string; readonly provider?: string };
  },
): Promise<SignedIn> {
  const { user_id: userId, email } = user;
  const session = await openSession(tx, { userId, sessionMs });
  const organizations = (await listUserOrganizations(tx, { userId })).map(({ org_id: orgId, ...rest }) => ({
    orgId,
    ...rest,
  }));
  await recordOperatorAudit(
    tx,
    { orgId: null, actor: userId },
    { action: 'session.start', entityType: 'user', entityId: userId, facts: { ...by } },
  );
  return { user: { userId, email }, organizations, ...session };
}

const schema = z.object({ email: z.string(), password: z.string(), address: z.string().optional() });

/** Whatever no user can have as an address is one unknown user. */
function parse(request: SignIn): SignIn & { readonly address: string | undefined } {
  const { email, password, address } = checkRequest(schema, { subject: 'sign-in', value: request });
  return { email: isEmailAddress(email) ? email : '', password, address };
}

function dummyOf(passwords: PasswordHasher): Promise<string> {
  const made = dummies.get(passwords) ?? passwords.hash('a password that nobody has');
  dummies.set(passwords, made);
  return made;
}

/** The user's hash; undefined for a user who has none. */
const hashOf = ({ hashed_password }: UserRow): string | undefined =>
  hashed_password.startsWith('$') ? hashed_password : undefined;

/** The password may have been changed, or the user disabled, while it was verified. */
async function requireUnchanged(tx: OperatorTransaction, { user_id, hashed_password }: UserRow): Promise<void> {
  const now = await tx
    .selectFrom('users')
    .select(['enabled', 'hashed_password'])
    .where('user_id', '=', user_id)
    .forUpdate()
    .executeTakeFirst();
  if (!now?.enabled || now.hashed_password !== hashed_password) throw new SignInFailedError();
}
