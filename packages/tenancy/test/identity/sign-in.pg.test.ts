import {
  countSignInAttempts,
  findUserByEmail,
  inAllOrganizations,
  insertUser,
  updateUser,
  ValidationFailedError,
} from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountKey } from '../../src/identity/sign-in-limits.ts';
import {
  createPasswordHasher,
  createUser,
  disableUser,
  type PasswordHasher,
  type SignIn,
  SignInFailedError,
  setPassword,
  signIn,
} from '../../src/index.ts';
import { type AccessPlatform, countingDatabase, createAccessPlatform } from '../access/access-platform.ts';

let platform: AccessPlatform;
beforeAll(async () => {
  platform = await createAccessPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const argon = createPasswordHasher();
let users = 0;
const newEmail = () => `user-${++users}@example.org`;

async function userWith(password: string, passwords: PasswordHasher = argon) {
  const { metadata } = platform;
  const email = newEmail();
  const { userId } = await createUser({ metadata, passwords }, { email, password, actor: null });
  return { email, userId };
}

/** The hasher, with the work that it does. */
function counted(passwords: PasswordHasher = argon) {
  const work: string[] = [];
  const hasher: PasswordHasher = {
    hash(password) {
      work.push('hash');
      return passwords.hash(password);
    },
    verify(hashed, password) {
      work.push(`verify ${hashed.split('$')[3]}`);
      return passwords.verify(hashed, password);
    },
    isWeaker: (hashed) => passwords.isWeaker(hashed),
  };
  return { work, hasher };
}

const hashOf = (userId: string) =>
  inAllOrganizations(platform.metadata, (tx) =>
    tx.selectFrom('users').select('hashed_password').where('user_id', '=', userId).executeTakeFirstOrThrow(),
  ).then((row) => row.hashed_password);

test('unknown, wrong, disabled, locked and without a password are one answer after one and the same work', async () => {
  const { metadata } = platform;
  const { email } = await userWith('correct horse');
  const disabled = await userWith('correct horse');
  await disableUser({ metadata }, { userId: disabled.userId, actor: null });
  const unusable = newEmail();
  await platform.user({ email: unusable });
  const broken = newEmail();
  await platform.user({ email: broken, hashed: '$argon2id$nonsense' });
  const locked = await userWith('correct horse');

  const { work, hasher } = counted();
  await using counting = await countingDatabase(platform);
  const attempt = async (request: SignIn, perAccount = 20) => {
    work.length = 0;
    counting.sent.length = 0;
    const error = await signIn({ metadata: counting.db, passwords: hasher, limits: { perAccount } }, request).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SignInFailedError);
    return { work: [...work], asked: [...counting.sent], told: JSON.stringify(error) + String(error) };
  };
  // The dummy is made with the first attempt of a process.
  const first = await attempt({ email: 'nobody@example.org', password: 'correct horse' });
  expect(first.work).toEqual(['hash', 'verify m=19456,t=2,p=1']);
  const answers = [
    await attempt({ email: 'nobody@example.org', password: 'correct horse' }),
    await attempt({ email, password: 'wrong horse' }),
    await attempt({ email, password: 'short' }),
    await attempt({ email, password: 'x'.repeat(50_000) }),
    await attempt({ email, password: '\ud800'.repeat(9) }),
    await attempt({ email: disabled.email, password: 'correct horse' }),
    await attempt({ email: unusable, password: 'correct horse' }),
    await attempt({ email: unusable, password: '!' }),
    await attempt({ email: `${'x'.repeat(400)}@example.org`, password: 'correct horse' }),
    await attempt({ email: 'nul\0@example.org', password: 'correct horse' }),
    await attempt({ email: locked.email, password: 'correct horse' }, 0),
  ];
  for (const answer of answers) expect(answer).toEqual({ ...first, work: ['verify m=19456,t=2,p=1'] });
  await expect(signIn({ metadata }, { email: broken, password: 'correct horse' })).rejects.toThrow(SignInFailedError);
});

test('who has a hash of less work is answered after the same work as who is unknown', async () => {
  const { metadata } = platform;
  const { email } = await userWith('correct horse');
  const { work, hasher } = counted(createPasswordHasher({ memoryKib: 30_000, passes: 3 }));
  const workOf = async (request: SignIn) => {
    await expect(signIn({ metadata, passwords: hasher }, request)).rejects.toThrow(SignInFailedError);
    const costs = work.splice(0).filter((one) => one.startsWith('verify'));
    return costs.reduce((sum, cost) => {
      const [, memory, passes] = /m=(\d+),t=(\d+),p=1/.exec(cost) ?? [];
      return sum + Number(memory) * Number(passes);
    }, 0);
  };
  const unknown = await workOf({ email: 'nobody@example.org', password: 'wrong horse' });
  expect(unknown).toBe(90_000);
  const known = await workOf({ email, password: 'wrong horse' });
  // Memory is counted in whole KiB of each pass.
  expect(Math.abs(known - unknown)).toBeLessThanOrEqual(3);
});

const LIKE_OTHERS = [
  ['\u0130', 'i'],
  ['\u212a', 'k'],
  ['\u0131', 'i'],
  ['\u017f', 's'],
] as const;

test('an address that is taken is refused with the id of who has it', async () => {
  const { metadata } = platform;
  const { userId } = await createUser({ metadata }, { email: 'Taken@example.org', actor: null });
  const again = createUser({ metadata }, { email: 'taken@example.org', actor: null });
  await expect(again).rejects.toMatchObject({ code: 'MAD_CORE_CONFLICT', details: { id: userId } });
});

test.each(LIKE_OTHERS)(
  'an address with %s in place of %s is nobody, whatever the locale of the database takes it for',
  async (letter, likeIt) => {
    const { metadata } = platform;
    const email = `kiss-${++users}@example.org`;
    const { userId } = await createUser(
      { metadata, passwords: argon },
      { email, password: 'correct horse', actor: null },
    );
    const forged = email.replace(likeIt, letter);
    await expect(signIn({ metadata }, { email: forged, password: 'correct horse' })).rejects.toThrow(SignInFailedError);
    for (const call of [
      () => createUser({ metadata }, { email: forged, actor: null }),
      () => inAllOrganizations(metadata, (tx) => insertUser(tx, { email: forged })),
      () => inAllOrganizations(metadata, (tx) => updateUser(tx, { userId, set: { email: forged } })),
    ])
      await expect(call()).rejects.toThrow(ValidationFailedError);
    // As a row from elsewhere would be: it is found by nobody either.
    await inAllOrganizations(metadata, (tx) =>
      tx.updateTable('users').set({ email: forged }).where('user_id', '=', userId).execute(),
    );
    expect(await inAllOrganizations(metadata, (tx) => findUserByEmail(tx, { email: forged }))).toBeUndefined();
    await expect(signIn({ metadata }, { email: forged, password: 'correct horse' })).rejects.toThrow(SignInFailedError);
  },
);

test('tries of one account are limited over all that run at once, and the right password does not pass the limit', async () => {
  const { metadata } = platform;
  const { email } = await userWith('correct horse');
  const { work, hasher } = counted();
  const context = { metadata, passwords: hasher, limits: { perAccount: 5, perAddress: 1_000, windowMs: 60_000 } };
  const tries = Array.from({ length: 12 }, () =>
    signIn(context, { email: email.toUpperCase(), password: 'wrong horse' }),
  );
  expect(new Set((await Promise.allSettled(tries)).map(({ status }) => status))).toEqual(new Set(['rejected']));
  expect(work.filter((one) => one.startsWith('verify'))).toHaveLength(12);
  await expect(signIn(context, { email, password: 'correct horse' })).rejects.toThrow(SignInFailedError);
  await signIn({ ...context, limits: { ...context.limits, perAccount: 50 } }, { email, password: 'correct horse' });
  // Success began the count anew.
  await signIn(context, { email, password: 'correct horse' });
});

test('a window that is over counts no more', async () => {
  const { metadata } = platform;
  const { email } = await userWith('correct horse');
  const context = { metadata, limits: { perAccount: 1, windowMs: 500 } };
  await expect(signIn(context, { email, password: 'wrong horse' })).rejects.toThrow(SignInFailedError);
  await expect(signIn(context, { email, password: 'correct horse' })).rejects.toThrow(SignInFailedError);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await signIn(context, { email, password: 'correct horse' });
});

test('tries do not prolong their window', async () => {
  const { metadata } = platform;
  const email = newEmail();
  const tryOnce = () =>
    expect(signIn({ metadata }, { email, password: 'wrong horse' })).rejects.toThrow(SignInFailedError);
  const counted = () =>
    inAllOrganizations(metadata, (tx) =>
      tx.selectFrom('sign_in_attempts').selectAll().where('key', '=', accountKey(email)).executeTakeFirstOrThrow(),
    );
  await tryOnce();
  const { expires_at } = await counted();
  await tryOnce();
  expect(await counted()).toMatchObject({ attempts: 2, expires_at });
});

test('tries from one address are limited for whatever accounts; a network of IPv6 counts as one address', async () => {
  const { metadata } = platform;
  const context = { metadata, limits: { perAddress: 2 } };
  const { email } = await userWith('correct horse');
  const from = (address: string) => signIn(context, { email, password: 'correct horse', address });
  await from('2001:db8:1:2::1');
  await from('2001:db8:1:2:ffff::9');
  await expect(from('2001:db8:1:2::3%eth0')).rejects.toThrow(SignInFailedError);
  await from('2001:db8:1:3::1');
  await from('::ffff:10.0.0.1');
  await from('::ffff:10.0.0.2');
  await from('::ffff:10.0.0.3');
  await from('10.0.0.2');
  const rows = await inAllOrganizations(metadata, (tx) => tx.selectFrom('sign_in_attempts').selectAll().execute());
  for (const { key } of rows) expect(key).toMatch(/^[0-9a-f]{64}$/);
});

test('limits that are left out, or given as undefined, are the defaults', async () => {
  const { metadata } = platform;
  const { email } = await userWith('correct horse');
  const limits = { perAccount: undefined, perAddress: undefined, windowMs: undefined };
  const enter = (password: string) => signIn({ metadata, limits }, { email, password, address: '192.0.2.7' });
  expect(await enter('correct horse')).toMatchObject({ user: { email } });
  await inAllOrganizations(metadata, (tx) => countSignInAttempts(tx, { keys: [accountKey(email)], windowMs: 60_000 }));
  await inAllOrganizations(metadata, (tx) =>
    tx.updateTable('sign_in_attempts').set({ attempts: 20 }).where('key', '=', accountKey(email)).execute(),
  );
  await expect(enter('correct horse')).rejects.toThrow(SignInFailedError);
});

test('a hash of less work is made anew at the next sign-in, and only then', async () => {
  const { metadata } = platform;
  const { email, userId } = await userWith('correct horse');
  const weak = await hashOf(userId);
  const passwords = createPasswordHasher({ passes: 3 });
  await expect(signIn({ metadata, passwords }, { email, password: 'wrong horse' })).rejects.toThrow(SignInFailedError);
  expect(await hashOf(userId)).toBe(weak);
  await signIn({ metadata, passwords }, { email, password: 'correct horse' });
  const strong = await hashOf(userId);
  expect(strong).toContain('m=19456,t=3,p=1');
  await signIn({ metadata, passwords }, { email, password: 'correct horse' });
  await signIn({ metadata }, { email, password: 'correct horse' });
  expect(await hashOf(userId)).toBe(strong);
});

test('a password has 8 to 1,024 characters and is the same however it was typed', async () => {
  const { email } = await userWith('ﬁnal Ⅳ café');
  const { metadata } = platform;
  await signIn({ metadata }, { email, password: 'final IV cafe\u0301' });
  for (const password of ['seven77', '🧪'.repeat(7), 'x'.repeat(1_025), '\ud800xxxxxxxx'])
    await expect(userWith(password)).rejects.toThrow(/8 to 1024/);
  const long = await userWith('🧪'.repeat(1_024));
  await signIn({ metadata }, { email: long.email, password: '🧪'.repeat(1_024) });
});

test('a new password ends the sessions and the old one, and a password that changes meanwhile signs nobody in', async () => {
  const { metadata } = platform;
  const { email, userId } = await userWith('correct horse');
  const slow: PasswordHasher = {
    ...argon,
    verify: async (hashed, password) => {
      const isRight = await argon.verify(hashed, password);
      await setPassword({ metadata }, { userId, actor: userId, password: 'battery staple' });
      return isRight;
    },
  };
  await expect(signIn({ metadata, passwords: slow }, { email, password: 'correct horse' })).rejects.toThrow(
    SignInFailedError,
  );
  await signIn({ metadata }, { email, password: 'battery staple' });
  for (const cost of [{ memoryKib: 1_024 }, { passes: 1 }, { lanes: 0 }])
    expect(() => createPasswordHasher(cost)).toThrow(/expected/);
});
