import { NotFoundError, newId } from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  authenticate,
  chooseOrganization,
  createApiKey,
  createUser,
  disableMember,
  disableUser,
  endSession,
  listAudit,
  MemberDisabledError,
  RefreshTokenReusedError,
  RefreshTokenSpentError,
  refreshSession,
  removeMember,
  revokeApiKey,
  setPassword,
  signIn,
  TokenRefusedError,
} from '../../src/index.ts';
import { type AccessPlatform, createAccessPlatform } from '../access/access-platform.ts';

let platform: AccessPlatform;
beforeAll(async () => {
  platform = await createAccessPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

/** A user with a session, a member of an organization. */
async function signedIn() {
  const { metadata } = platform;
  const email = `${newId()}@example.org`;
  const { userId } = await createUser({ metadata }, { email, password: 'correct horse', actor: null });
  const { orgId, admin } = await platform.organization();
  await platform.member(orgId, ['standard'], userId);
  const enter = () => signIn({ metadata }, { email, password: 'correct horse' });
  return { metadata, userId, orgId, admin, enter, session: await enter() };
}

test('a session chooses one of the organizations of its user and goes on there', async () => {
  const { metadata, userId, orgId, session } = await signedIn();
  const other = await platform.organization();
  expect(session).toMatchObject({ user: { userId }, organizations: [{ orgId, status: 'active' }] });
  const foreign = chooseOrganization({ metadata }, { refreshToken: session.refreshToken, orgId: other.orgId });
  await expect(foreign).rejects.toThrow(NotFoundError);
  await expect(foreign).rejects.toThrow(`organization ${other.orgId} was not found in the organizations of this user`);
  const chosen = await chooseOrganization({ metadata }, { refreshToken: session.refreshToken, orgId });
  expect(chosen.principal).toMatchObject({ orgId, userId, roles: ['standard'] });
  const next = await refreshSession({ metadata }, chosen);
  expect(next.principal).toEqual(chosen.principal);
  expect(next.expiresAt).toEqual(session.expiresAt);
  for (const bearer of [next.refreshToken, next.refreshToken.replace('refresh', 'api_key')])
    await expect(authenticate({ metadata }, bearer)).rejects.toThrow(TokenRefusedError);
  const { bearer } = await createApiKey(metadata, next.principal ?? chosen.principal, {
    name: 'k',
    scopes: ['job.view'],
  });
  const posing = refreshSession({ metadata }, { refreshToken: bearer.replace('api_key', 'refresh') });
  await expect(posing).rejects.toThrow(TokenRefusedError);
});

test('the organization that a session chooses is audited, once', async () => {
  const { metadata, userId, orgId, session } = await signedIn();
  const chosen = async () => (await listAudit(metadata, 'operator', { actor: userId, action: 'session.choose' })).items;
  const first = await chooseOrganization({ metadata }, { refreshToken: session.refreshToken, orgId });
  const next = await refreshSession({ metadata }, first);
  await chooseOrganization({ metadata }, { refreshToken: next.refreshToken, orgId });
  expect(await chosen()).toMatchObject([
    { actor: { userId }, entityType: 'user', entityId: userId, facts: { organization: orgId } },
  ]);
});

test('the second use of a token that was exchanged ends the session, its successor too, and is audited', async () => {
  const { metadata, userId, enter, session } = await signedIn();
  const untouched = await enter();
  const next = await refreshSession({ metadata }, session);
  await expect(refreshSession({ metadata }, session)).rejects.toThrow(RefreshTokenReusedError);
  await expect(refreshSession({ metadata }, next)).rejects.toThrow(TokenRefusedError);
  await expect(refreshSession({ metadata }, session)).rejects.toThrow(RefreshTokenReusedError);
  expect((await refreshSession({ metadata }, untouched)).userId).toBe(userId);
  expect((await platform.audited(null)).filter((action) => action === 'session.reuse')).toHaveLength(1);
});

test('of two exchanges at once one wins, and the session ends for both', async () => {
  const { metadata, session } = await signedIn();
  const race = await Promise.allSettled(Array.from({ length: 6 }, () => refreshSession({ metadata }, session)));
  const won = race.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(won).toHaveLength(1);
  for (const one of race) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(RefreshTokenReusedError);
  for (const next of won) await expect(refreshSession({ metadata }, next)).rejects.toThrow(TokenRefusedError);
});

test('within a grace the loser is refused and the session goes on; after it the session ends', async () => {
  const { metadata, session } = await signedIn();
  const context = { metadata, refreshGraceMs: 500 };
  const race = await Promise.allSettled([refreshSession(context, session), refreshSession(context, session)]);
  const [next] = race.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(race.find((one) => one.status === 'rejected')?.reason).toBeInstanceOf(RefreshTokenSpentError);
  const again = await refreshSession(context, next ?? session);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await expect(refreshSession(context, session)).rejects.toThrow(RefreshTokenReusedError);
  await expect(refreshSession(context, again)).rejects.toThrow(TokenRefusedError);
});

test('signing out ends the session with every token of it, and is audited once', async () => {
  const { metadata, session } = await signedIn();
  const before = (await platform.audited(null)).filter((action) => action === 'session.end').length;
  const next = await refreshSession({ metadata }, session);
  await endSession({ metadata }, session);
  await endSession({ metadata }, next);
  await expect(refreshSession({ metadata }, next)).rejects.toThrow(TokenRefusedError);
  const after = (await platform.audited(null)).filter((action) => action === 'session.end').length;
  expect(after - before).toBe(1);
});

test('sessions end with their time, the membership, the password and the account', async () => {
  const { metadata, userId, orgId, admin, enter } = await signedIn();
  const brief = await signIn(
    { metadata, sessionMs: 1 },
    { email: (await enter()).user.email, password: 'correct horse' },
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(refreshSession({ metadata }, brief)).rejects.toThrow(TokenRefusedError);

  const chosen = await chooseOrganization({ metadata }, { ...(await enter()), orgId });
  await disableMember(metadata, admin, { userId });
  await expect(refreshSession({ metadata }, chosen)).rejects.toThrow(TokenRefusedError);
  const later = await enter();
  await expect(chooseOrganization({ metadata }, { ...later, orgId })).rejects.toThrow(MemberDisabledError);
  await removeMember(metadata, admin, { userId });
  await expect(chooseOrganization({ metadata }, { ...later, orgId })).rejects.toThrow(NotFoundError);

  await setPassword({ metadata }, { userId, actor: userId, password: 'correct horse' });
  await expect(refreshSession({ metadata }, later)).rejects.toThrow(TokenRefusedError);
  const last = await enter();
  await disableUser({ metadata }, { userId, actor: null });
  await expect(refreshSession({ metadata }, last)).rejects.toThrow(TokenRefusedError);
});

test('a session is no API key: revoking by the id of its token finds none, and it goes on', async () => {
  const { metadata, orgId, admin, session } = await signedIn();
  const chosen = await chooseOrganization({ metadata }, { refreshToken: session.refreshToken, orgId });
  const [, , tokenId = ''] = chosen.refreshToken.split('_');
  await expect(revokeApiKey(metadata, admin, { tokenId })).rejects.toThrow(NotFoundError);
  await refreshSession({ metadata }, chosen);
});

test('the id of a token without its secret exchanges nothing, and ends no session', async () => {
  const { metadata, session } = await signedIn();
  const guessed = { refreshToken: `${session.refreshToken.slice(0, -64)}${'0'.repeat(64)}` };
  await expect(refreshSession({ metadata }, guessed)).rejects.toThrow(TokenRefusedError);
  await expect(endSession({ metadata }, guessed)).rejects.toThrow(TokenRefusedError);
  const next = await refreshSession({ metadata }, session);
  await expect(refreshSession({ metadata }, guessed)).rejects.toThrow(TokenRefusedError);
  await refreshSession({ metadata }, next);
});

test('what is no refresh token of ours is refused', async () => {
  const { metadata, session } = await signedIn();
  for (const refreshToken of [
    '',
    'mad_refresh',
    `mad_refresh_${newId()}_${'a'.repeat(64)}`,
    `${session.refreshToken.slice(0, -2)}zz`,
  ]) {
    await expect(refreshSession({ metadata }, { refreshToken })).rejects.toThrow(TokenRefusedError);
    await expect(endSession({ metadata }, { refreshToken })).rejects.toThrow(TokenRefusedError);
  }
});
