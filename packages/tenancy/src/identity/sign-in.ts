import {
  findUserByEmail,
  forgetSignInAttempts,
  inAllOrganizations,
  listUserOrganizations,
  type OperatorTransaction,
  type UserOrganization,
  type UserRow,
  updateUser,
  ValidationFailedError,
} from '@mad/core';
import { recordOperatorAudit } from '../audit/record-audit.ts';
import { SignInFailedError } from './identity-errors.ts';
import { defaultPasswordHasher, type PasswordHasher, tryNormalize } from './password.ts';
import { openSession, type SessionContext, type SessionToken } from './session.ts';
import { accountKey, countAttempt, DEFAULT_LIMITS, type SignInLimits } from './sign-in-limits.ts';

/** What signing in by a password works with. */
export interface SignInContext extends SessionContext {
  /** @default argon2id, 19 MiB, 2 passes, 1 lane */
  readonly passwords?: PasswordHasher | undefined;
  /** @default 20 tries for an account and 100 from an address in 15 minutes */
  readonly limits?: Partial<SignInLimits> | undefined;
}

export interface SignIn {
  readonly email: string;
  readonly password: string;
  /** Where the request comes from, as the host knows it: never a header that a client may write. Left out, addresses are not limited. */
  readonly address?: string | undefined;
}

/** A user who proved who they are, and has not chosen an organization. */
export interface SignedIn extends SessionToken {
  readonly user: { readonly userId: string; readonly email: string };
  /** Those they are a member of, by name; only active ones can be chosen. */
  readonly organizations: readonly UserOrganization[];
}

/** A hash of nobody's password for each hasher, made before anybody is looked up. */
const dummies = new WeakMap<PasswordHasher, Promise<string>>();

/**
 * Signs a user in by e-mail and password. Whoever is not signed in is answered alike after the same work: the address is looked up and one
 * hash verified, whether the account is unknown, disabled, without a password or locked, or the password wrong. A hash of less work than the
 * hasher takes is made anew.
 * @throws {SignInFailedError}
 */
export async function signIn(context: SignInContext, request: SignIn): Promise<SignedIn> {
  const { metadata, passwords = defaultPasswordHasher, limits, sessionMs } = context;
  const { email, password, address } = parse(request);
  const isWithinLimits = await countAttempt(metadata, { email, address }, { ...DEFAULT_LIMITS, ...limits });
  const dummy = await dummyOf(passwords);
  const user = await inAllOrganizations(metadata, (tx) => findUserByEmail(tx, { email }));
  const normalized = tryNormalize(password);
  const hashed = isWithinLimits && normalized !== undefined && user?.enabled ? hashOf(user) : undefined;
  const isRight = await passwords.verify(hashed ?? dummy, normalized ?? 'nobody');
  if (user === undefined || hashed === undefined || normalized === undefined || !isRight) throw new SignInFailedError();
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
  const organizations = await listUserOrganizations(tx, { userId });
  await recordOperatorAudit(
    tx,
    { orgId: null, actor: userId },
    { action: 'session.start', entityType: 'user', entityId: userId, facts: { ...by } },
  );
  return { user: { userId, email }, organizations, ...session };
}

/** An address that no user can have stands for one that no database would take. */
function parse({ email, password, address }: SignIn): SignIn & { readonly address: string | undefined } {
  if (typeof email !== 'string' || typeof password !== 'string')
    throw new ValidationFailedError({
      subject: 'sign-in',
      issues: [{ pointer: '', message: 'expected an e-mail address and a password' }],
    });
  const isPossible = email.length <= 320 && email.isWellFormed() && !email.includes('\0');
  return { email: isPossible ? email : '', password, address };
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
