import { generateKeyPairSync } from 'node:crypto';
import { type MetadataDatabase, newId, PERMISSIONS, ValidationFailedError } from '@mad/core';
import { expect, test } from 'vitest';
import * as exported from '../../src/index.ts';

/** Whatever is refused by it was asked of the database. */
const metadata = new Proxy({}, { get: () => () => Promise.reject(new RangeError('was asked')) }) as MetadataDatabase;
const userId = newId();
const caller = { orgId: newId(), userId, permissions: new Set<string>(PERMISSIONS), roles: [] };
const key = { kid: 'one', algorithm: 'EdDSA', ...generateKeyPairSync('ed25519') } as const;
const keys = { issuer: 'https://dock.example', audience: 'dock', keys: [key] };
const password = 'correct horse';

type Anything = (...args: readonly unknown[]) => unknown;
const tenancy = new Map(Object.entries(exported) as unknown as [string, Anything][]);
const refused = (name: string, ...args: readonly unknown[]) =>
  expect((async () => tenancy.get(name)?.(...args))(), name).rejects.toThrow(ValidationFailedError);

test.each([
  ...['disableMember', 'reactivateMember', 'removeMember', 'findMembers', 'inviteMember', 'listMemberInvitations'],
  ...['revokeInvitation', 'setMemberRoles', 'findRoles', 'defineRole', 'setRolePermissions', 'removeRole'],
  ...['createApiKey', 'listApiKeys', 'revokeApiKey'],
])('%s refuses null as its request', (name) => refused(name, metadata, caller, null));

test.each([
  ...['acceptInvitation', 'refreshSession', 'chooseOrganization', 'endSession', 'signIn', 'createUser', 'setPassword'],
  ...['disableUser', 'reactivateUser', 'addIdentityProvider', 'setIdentityProvider', 'removeIdentityProvider'],
  ...['findIdentityProviders', 'findOrganizations', 'listBehind'],
])('%s refuses null as its request', (name) => refused(name, { metadata }, null));

test.each(['createTokenMemory', 'createPasswordHasher'] as const)('%s refuses null as its options', (name) =>
  refused(name, null),
);

test('findCaller refuses null as who is looked for', () => refused('findCaller', metadata, null));

test.each(['not a uuid', '', 7, undefined, {}])('an actor %j is refused before anybody is changed', async (actor) => {
  await refused('setPassword', { metadata }, { userId, actor, password });
  await refused('disableUser', { metadata }, { userId, actor });
  await refused('reactivateUser', { metadata }, { userId, actor });
  await refused('removeIdentityProvider', { metadata }, { providerId: userId, actor });
});

test.each([7, null, {}, Symbol('x')])('an address that is no text is refused: %s', (address) =>
  refused('signIn', { metadata }, { email: 'a@example.org', password, address }),
);

test.each([
  ...[null, 7, { perAccount: null }, { perAccount: Number.NaN }, { perAccount: -1 }, { perAccount: 1.5 }],
  ...[{ perAddress: '5' }, { windowMs: 0 }, { windowMs: Number.POSITIVE_INFINITY }, { windowMs: 1e300 }],
])('limits that are none are refused: %j', (limits) =>
  refused('signIn', { metadata, limits }, { email: 'a@example.org', password }),
);

test.each(['', 'gone', 'a\0b', '\ud800', ['active'], {}, null])('a status %j of organizations is refused', (status) =>
  refused('findOrganizations', { metadata }, { status }),
);

test.each([null, 7, 'results', {}, { name: 'results' }, { name: 'results', migrations: null }])(
  'a track %j is refused',
  (track) => refused('listBehind', { metadata }, { track }),
);

test('an access token is signed for a principal, by keys', async () => {
  for (const principal of [null, 7, {}, { ...caller, permissions: ['job.view'] }, { ...caller, roles: undefined }])
    await refused('issueAccessToken', keys, { principal });
  await refused('issueAccessToken', keys, null);
  await refused('issueAccessToken', keys, { principal: { ...caller, orgId: 'x' } });
  for (const bad of [null, {}, { ...keys, keys: null }, { ...keys, keys: [null] }, { ...keys, issuer: 7 }])
    await refused('issueAccessToken', bad, { principal: caller });
  expect(await exported.issueAccessToken(keys, { principal: caller })).toMatch(/^ey/);
});
