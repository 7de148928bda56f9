import { ConflictError, NotFoundError, newId, ValidationFailedError } from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addIdentityProvider,
  beginSignIn,
  completeSignIn,
  disableUser,
  findIdentityProviders,
  IdentityUnlinkedError,
  type OpenIdContext,
  type PendingSignIn,
  type ProviderConfig,
  ProviderSignInFailedError,
  ProviderUnreachableError,
  refreshSession,
  removeIdentityProvider,
  SignInFailedError,
  setIdentityProvider,
  signIn,
  UserDisabledError,
} from '../../src/index.ts';
import { type AccessPlatform, createAccessPlatform } from '../access/access-platform.ts';
import { type ProviderAccount, REDIRECT_URI, startTestProvider, type TestProvider } from './test-provider.ts';

let platform: AccessPlatform;
let provider: TestProvider;
let context: OpenIdContext;
beforeAll(async () => {
  platform = await createAccessPlatform();
  provider = await startTestProvider();
  const { metadata } = platform;
  context = { metadata, allowHttp: true, secrets: (name) => (name === 'dock-secret' ? provider.clientSecret : 'none') };
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await platform[Symbol.asyncDispose]();
});

const configOf = (choices: Partial<ProviderConfig> = {}, at = provider): ProviderConfig => ({
  issuer: at.issuer,
  client_id: at.clientId,
  client_secret: 'dock-secret',
  ...choices,
});

async function addProvider(choices: Partial<ProviderConfig> = {}, at = provider): Promise<string> {
  const config = configOf(choices, at);
  const { providerId } = await addIdentityProvider(context, { name: 'Lab', kind: 'oidc', config, actor: null });
  return providerId;
}

const newAccount = (facts: Partial<ProviderAccount> = {}): ProviderAccount => {
  const sub = newId();
  return { sub, email: `${sub}@example.org`, email_verified: true, ...facts };
};

async function visit(
  providerId: string,
  account: ProviderAccount,
  { at = provider, linkTo }: { at?: TestProvider; linkTo?: string } = {},
) {
  const { url, pending } = await beginSignIn(context, { providerId, redirectUri: REDIRECT_URI, linkTo });
  return { pending, callbackUrl: await at.browse(url, account) };
}

async function enter(
  providerId: string,
  account: ProviderAccount,
  options: { at?: TestProvider; linkTo?: string } = {},
) {
  return completeSignIn(context, await visit(providerId, account, options));
}

test('who is unknown becomes a user without a password where the provider says so, and is the same user ever after', async () => {
  const providerId = await addProvider({ create_users: true });
  const account = newAccount();
  const first = await enter(providerId, account);
  expect(first.user.email).toBe(account.email);
  expect((await refreshSession(context, first)).userId).toBe(first.user.userId);
  // The subject counts, not the address.
  const moved = await enter(providerId, { ...account, email: 'moved@example.org', email_verified: false });
  expect(moved.user).toEqual(first.user);
  await expect(signIn(context, { email: first.user.email, password: '!' })).rejects.toThrow(SignInFailedError);
});

test('first sign-ins of one identity at once end in one user', async () => {
  const providerId = await addProvider({ create_users: true });
  for (let round = 0; round < 4; round++) {
    const account = newAccount();
    const visits = [];
    for (let count = 0; count < 6; count++) visits.push(await visit(providerId, account));
    const sessions = await Promise.all(visits.map((one) => completeSignIn(context, one)));
    expect(new Set(sessions.map(({ user }) => user.userId)).size).toBe(1);
  }
});

test('a verified address leads to its user where the provider says so, and to nobody else', async () => {
  const account = newAccount();
  const userId = await platform.user({ email: account.email?.toUpperCase() ?? '' });
  const strict = await addProvider();
  await expect(enter(strict, account)).rejects.toMatchObject({ details: { reason: 'unknown' } });
  const creating = await addProvider({ create_users: true });
  await expect(enter(creating, account)).rejects.toMatchObject({ details: { reason: 'email_taken' } });
  const linking = await addProvider({ link_by_verified_email: true });
  const unverified = [false, undefined, 'true' as unknown as boolean].map((email_verified) => ({
    ...account,
    email_verified,
  }));
  for (const one of unverified) {
    const refusal = enter(linking, one);
    await expect(refusal).rejects.toThrow(IdentityUnlinkedError);
    await expect(refusal).rejects.toMatchObject({ details: { reason: 'email_unverified' } });
  }
  await expect(enter(linking, { sub: account.sub })).rejects.toMatchObject({ details: { reason: 'email_missing' } });
  await expect(enter(linking, newAccount())).rejects.toMatchObject({ details: { reason: 'unknown' } });
  expect((await enter(linking, account)).user.userId).toBe(userId);
  // Linked once, the address is not asked any more.
  expect((await enter(linking, { sub: account.sub })).user.userId).toBe(userId);
});

test('an address that is not ASCII leads to no user and makes none; who is linked comes in all the same', async () => {
  for (const config of [{ link_by_verified_email: true }, { create_users: true }]) {
    const refusal = enter(await addProvider(config), newAccount({ email: 'dİvisivity@example.org' }));
    await expect(refusal).rejects.toMatchObject({ details: { reason: 'email_unusable' } });
  }
  const providerId = await addProvider({ create_users: true });
  const account = newAccount();
  const { user } = await enter(providerId, account);
  expect((await enter(providerId, { ...account, email: 'dİvisivity@example.org' })).user).toEqual(user);
});

test('nobody becomes a user by an address that is not verified', async () => {
  const providerId = await addProvider({ create_users: true });
  const refusal = enter(providerId, newAccount({ email_verified: false }));
  await expect(refusal).rejects.toMatchObject({ details: { reason: 'email_unverified' } });
});

test('the same subject of another provider is somebody else', async () => {
  await using other = await startTestProvider();
  const account = newAccount();
  const mine = await enter(await addProvider({ create_users: true }), account);
  const theirs = await addProvider({ create_users: true }, other);
  const stranger = { ...account, email: 'stranger@example.org' };
  const { user } = await enter(theirs, stranger, { at: other });
  expect(user.userId).not.toBe(mine.user.userId);
  await expect(enter(theirs, { ...account, sub: newId() }, { at: other })).rejects.toMatchObject({
    details: { reason: 'email_taken' },
  });
  const change = setIdentityProvider(context, { providerId: theirs, config: configOf(), actor: null });
  await expect(change).rejects.toThrow(ValidationFailedError);
});

test('a sign-in with another state, nonce or verifier, one that took too long, and a code that comes again are refused', async () => {
  const providerId = await addProvider({ create_users: true });
  const account = newAccount();
  const other = (await beginSignIn(context, { providerId, redirectUri: REDIRECT_URI })).pending;
  const changes: Partial<PendingSignIn>[] = [
    { state: other.state },
    { nonce: other.nonce },
    { codeVerifier: other.codeVerifier },
    { expiresAt: new Date(Date.now() - 1).toISOString() },
  ];
  for (const change of changes) {
    const { pending, callbackUrl } = await visit(providerId, account);
    const attempt = completeSignIn(context, { pending: { ...pending, ...change }, callbackUrl });
    await expect(attempt, Object.keys(change)[0]).rejects.toThrow(ProviderSignInFailedError);
  }
  const good = await visit(providerId, account);
  await completeSignIn(context, good);
  await expect(completeSignIn(context, good)).rejects.toThrow(ProviderSignInFailedError);
  const { pending } = await visit(providerId, account);
  const denied = `${REDIRECT_URI}?error=access_denied&error_description=<script>&state=${pending.state}&iss=${provider.issuer}`;
  const refusal = completeSignIn(context, { pending, callbackUrl: denied });
  await expect(refusal).rejects.toMatchObject({ details: { reason: 'access_denied' } });
  await expect(completeSignIn(context, { pending, callbackUrl: REDIRECT_URI })).rejects.toThrow(
    ProviderSignInFailedError,
  );
  await expect(completeSignIn(context, { pending: {} as PendingSignIn, callbackUrl: 'x' })).rejects.toThrow(
    ValidationFailedError,
  );
});

test('a disabled user stays out, linked or not', async () => {
  const providerId = await addProvider({ create_users: true, link_by_verified_email: true });
  const account = newAccount();
  const { user } = await enter(providerId, account);
  await disableUser(context, { userId: user.userId, actor: null });
  await expect(enter(providerId, account)).rejects.toThrow(UserDisabledError);
  await expect(enter(providerId, { ...account, sub: newId() })).rejects.toThrow(UserDisabledError);
});

test('a user who is signed in links an identity, which belongs to nobody else', async () => {
  const providerId = await addProvider();
  const account = newAccount({ email_verified: false });
  const [userId, other] = [await platform.user(), await platform.user()];
  expect((await enter(providerId, account, { linkTo: userId })).user.userId).toBe(userId);
  expect((await enter(providerId, account)).user.userId).toBe(userId);
  expect((await enter(providerId, account, { linkTo: userId })).user.userId).toBe(userId);
  await expect(enter(providerId, account, { linkTo: other })).rejects.toThrow(ConflictError);
});

test('an ID token that was changed on its way is refused, and every request goes by the fetch of the host', async () => {
  const providerId = await addProvider({ create_users: true });
  const asked: string[] = [];
  const changing: OpenIdContext = {
    ...context,
    async fetch(url, options) {
      asked.push(new URL(url).pathname);
      const answer = await fetch(url, { ...options, body: options.body ?? null } as RequestInit);
      if (!url.endsWith('/token')) return answer;
      const body = (await answer.json()) as { id_token: string };
      const [header, payload = '', signature] = body.id_token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url');
      return Response.json({ ...body, id_token: `${header}.${changed}.${signature}` });
    },
  };
  const attempt = completeSignIn(changing, await visit(providerId, newAccount()));
  await expect(attempt).rejects.toThrow(ProviderSignInFailedError);
  expect(asked).toEqual(['/.well-known/openid-configuration', '/token', '/jwks']);
});

test('a provider that does not answer, or is another than it was, can be tried again; http is refused', async () => {
  const providerId = await addProvider();
  const begin = (changes: Partial<OpenIdContext>, id = providerId) =>
    beginSignIn({ ...context, ...changes }, { providerId: id, redirectUri: REDIRECT_URI });
  await expect(begin({ fetch: () => Promise.reject(new TypeError('fetch failed')) })).rejects.toThrow(
    ProviderUnreachableError,
  );
  await expect(begin({ fetch: async () => new Response('<html>', { status: 502 }) })).rejects.toThrow(
    ProviderUnreachableError,
  );
  const lie = async () =>
    Response.json({ issuer: 'https://evil.example', authorization_endpoint: 'https://evil.example/a' });
  await expect(begin({ fetch: lie })).rejects.toThrow(ProviderUnreachableError);
  const fail = () => Promise.reject(new RangeError('vault sealed'));
  await expect(begin({ secrets: fail })).rejects.toThrow(ProviderUnreachableError);
  await expect(begin({ secrets: fail })).rejects.not.toThrow(/vault/);
  await expect(begin({ allowHttp: false })).rejects.toThrow(/config\/issuer: expected https:, or allowHttp/);
  await expect(begin({}, newId())).rejects.toThrow(/^identity provider .* was not found in this platform$/);
});

test('providers are added, changed and removed by the operator, and audited without secrets', async () => {
  const before = (await platform.audited(null)).length;
  const providerId = await addProvider();
  await setIdentityProvider(context, { providerId, name: 'Laboratory', actor: null });
  const { items } = await findIdentityProviders(context, { limit: 1 });
  expect(items).toEqual([{ providerId, name: 'Laboratory', kind: 'oidc', config: configOf() }]);
  await removeIdentityProvider(context, { providerId, actor: null });
  await expect(removeIdentityProvider(context, { providerId, actor: null })).rejects.toThrow(NotFoundError);
  expect((await platform.audited(null)).slice(before)).toEqual([
    'identity_provider.create',
    'identity_provider.update',
    'identity_provider.delete',
  ]);
  for (const config of [
    { ...configOf(), secret: 'x' },
    { ...configOf(), issuer: 'file:///etc' },
    { ...configOf(), scope: 'email' },
  ])
    await expect(addIdentityProvider(context, { name: 'Odd', kind: 'oidc', config, actor: null })).rejects.toThrow(
      ValidationFailedError,
    );
});
