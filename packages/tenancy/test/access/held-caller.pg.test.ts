import {
  type Caller,
  inAllOrganizations,
  type MetadataDatabase,
  newId,
  OrganizationInactiveError,
  PERMISSIONS,
  PermissionDeniedError,
  updateOrganization,
} from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptInvitation,
  authenticate,
  createApiKey,
  defineRole,
  disableMember,
  disableUser,
  inviteMember,
  listApiKeys,
  MemberDisabledError,
  reactivateMember,
  removeMember,
  removeRole,
  revokeApiKey,
  revokeInvitation,
  setMemberRoles,
  setRolePermissions,
  TokenRefusedError,
  UserDisabledError,
} from '../../src/index.ts';
import { type AccessPlatform, createAccessPlatform } from './access-platform.ts';

let platform: AccessPlatform;
beforeAll(async () => {
  platform = await createAccessPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

test.each(['suspended', 'deleting', 'deleted'] as const)(
  'a caller held from before the organization was %s changes nothing in it',
  async (status) => {
    const { metadata } = platform;
    const { orgId, admin } = await platform.organization();
    await inAllOrganizations(metadata, (tx) => updateOrganization(tx, { orgId, set: { status } }));
    const before = await platform.audited(orgId);
    const calls = [
      () => defineRole(metadata, admin, { name: 'docker', permissions: ['job.create'] }),
      () => createApiKey(metadata, admin, { name: 'key', scopes: ['job.create'] }),
      () => inviteMember(metadata, admin, { email: 'new@example.org', roles: ['standard'] }),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(OrganizationInactiveError);
    expect(await platform.audited(orgId)).toEqual(before);
    const roles = await inAllOrganizations(metadata, (tx) =>
      tx.selectFrom('roles').select('name').where('org_id', '=', orgId).where('name', '=', 'docker').execute(),
    );
    expect(roles).toEqual([]);
  },
);

/** Everything by which a caller changes who may do what in an organization, in an order in which each can be done. */
async function changes(metadata: MetadataDatabase, admin: Caller) {
  const { orgId } = admin;
  const target = await platform.member(orgId, ['viewer']);
  const role = { name: `role ${newId()}`, permissions: ['job.view'] as const };
  await defineRole(metadata, admin, role);
  const key = await createApiKey(metadata, admin, { name: 'k', scopes: ['job.view'] });
  const invitation = await inviteMember(metadata, admin, { email: `${newId()}@example.org`, roles: [] });
  return (caller: Caller): (() => Promise<unknown>)[] => [
    () => inviteMember(metadata, caller, { email: `${newId()}@example.org`, roles: ['admin'] }),
    () => inviteMember(metadata, caller, { email: `${newId()}@example.org`, roles: [] }),
    () => revokeInvitation(metadata, caller, invitation),
    () => defineRole(metadata, caller, { name: `role ${newId()}`, permissions: ['job.view'] }),
    () => setRolePermissions(metadata, caller, { ...role, permissions: [] }),
    () => removeRole(metadata, caller, role),
    () => setMemberRoles(metadata, caller, { userId: target.userId, roles: ['admin'] }),
    () => disableMember(metadata, caller, target),
    () => reactivateMember(metadata, caller, target),
    () => removeMember(metadata, caller, target),
    () => revokeApiKey(metadata, caller, key),
    () => createApiKey(metadata, caller, { name: 'key', scopes: ['job.view'] }),
  ];
}

/** What became of them, at once. */
const refusalsOf = async (calls: readonly (() => Promise<unknown>)[]) => {
  const settled = await Promise.allSettled(calls.map((call) => call()));
  return settled.map((one) => (one.status === 'rejected' ? one.reason.constructor : one.status));
};

test.each([
  { way: 'removed', error: PermissionDeniedError },
  { way: 'demoted', error: PermissionDeniedError },
  { way: 'disabled', error: MemberDisabledError },
  { way: 'disabled on the whole platform', error: UserDisabledError },
])("a principal held from before its user was $way changes nobody's access", async ({ way, error }) => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const held = await platform.member(orgId, ['admin']);
  const { userId } = held;
  const call = await changes(metadata, admin);
  if (way === 'removed') await removeMember(metadata, admin, { userId });
  else if (way === 'demoted') await setMemberRoles(metadata, admin, { userId, roles: ['viewer'] });
  else if (way === 'disabled') await disableMember(metadata, admin, { userId });
  else await disableUser({ metadata }, { userId, actor: null });
  const before = await platform.audited(orgId);
  expect(new Set(await refusalsOf(call(held)))).toEqual(new Set([error]));
  expect(await platform.audited(orgId)).toEqual(before);
});

test('a principal of an API key changes nothing after it was revoked, nor by scopes that its holder has lost', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const second = await platform.member(orgId, ['admin']);
  const scopes = PERMISSIONS.filter((permission) => permission !== 'org.quota.update');
  const [key, other] = [
    await createApiKey(metadata, admin, { name: 'a', scopes }),
    await createApiKey(metadata, second, { name: 'b', scopes: ['role.manage', 'job.view'] }),
  ];
  const [held, ofSecond] = [
    await authenticate({ metadata }, key.bearer),
    await authenticate({ metadata }, other.bearer),
  ];
  const call = await changes(metadata, admin);
  await defineRole(metadata, held, { name: 'by key', permissions: ['job.view'] });
  await revokeApiKey(metadata, held, key);
  const refusals = (await refusalsOf(call(held))).filter(({ name }) => name !== 'ApiKeyRefusedError');
  expect(new Set(refusals)).toEqual(new Set([TokenRefusedError]));
  expect(refusals).toHaveLength(11);
  await setMemberRoles(metadata, admin, { userId: second.userId, roles: ['standard'] });
  await expect(defineRole(metadata, ofSecond, { name: 'late', permissions: [] })).rejects.toThrow(
    PermissionDeniedError,
  );
});

test('a principal does no more than it was held with, whatever its user may do by now', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const held = await platform.member(orgId, ['viewer']);
  await setMemberRoles(metadata, admin, { userId: held.userId, roles: ['admin'] });
  const narrow = { ...admin, permissions: new Set(['role.manage']) };
  await expect(defineRole(metadata, held, { name: 'x', permissions: [] })).rejects.toThrow(PermissionDeniedError);
  await expect(defineRole(metadata, narrow, { name: 'x', permissions: ['job.view'] })).rejects.toThrow(/do not hold/);
});

test('programs and operators, who are no members, act as before', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const permissions = new Set(PERMISSIONS);
  for (const userId of [null, await platform.user(), (await platform.member(orgId, ['viewer'])).userId]) {
    const operator: Caller = { orgId, userId, permissions };
    const call = await changes(metadata, admin);
    // A key is its member's alone.
    for (const change of call(operator).slice(0, -1)) await expect(change()).resolves.not.toThrow();
  }
});

test('a removal waits for what its member does at this moment, and ends what that made', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  for (let round = 0; round < 10; round++) {
    const second = await platform.member(orgId, ['admin']);
    const [key, invitation] = await Promise.allSettled([
      createApiKey(metadata, second, { name: 'k', scopes: ['job.view'] }),
      inviteMember(metadata, second, { email: `${newId()}@example.org`, roles: ['admin'] }),
      removeMember(metadata, admin, second),
    ]);
    if (key.status === 'fulfilled') {
      const { items } = await listApiKeys(metadata, admin, { userId: second.userId });
      expect(items).toMatchObject([{ revoked: true }]);
    }
    if (invitation.status === 'fulfilled')
      await expect(acceptInvitation({ metadata }, { invitation: invitation.value.bearer })).rejects.toThrow(
        /not valid any more/,
      );
  }
});
