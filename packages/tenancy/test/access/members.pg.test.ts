import {
  ConflictError,
  inOrganization,
  lockAdmins,
  NotFoundError,
  newId,
  PermissionDeniedError,
  ValidationFailedError,
} from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acceptInvitation,
  authenticate,
  createApiKey,
  defineRole,
  disableMember,
  disableUser,
  findCaller,
  GrantRefusedError,
  InvitationRefusedError,
  inviteMember,
  LastAdminError,
  listMemberInvitations,
  MemberDisabledError,
  RoleProtectedError,
  reactivateMember,
  reactivateUser,
  removeMember,
  removeRole,
  revokeInvitation,
  setMemberRoles,
  setRolePermissions,
  signIn,
  TokenRefusedError,
  UserDisabledError,
} from '../../src/index.ts';
import { type AccessPlatform, callerOf, createAccessPlatform } from './access-platform.ts';

let platform: AccessPlatform;
beforeAll(async () => {
  platform = await createAccessPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const outcomes = (calls: readonly Promise<unknown>[]) =>
  Promise.all(
    calls.map((call) =>
      call.then(
        () => 'done',
        (error: unknown) => (error as Error).name,
      ),
    ),
  );

test('who is invited joins with the roles named, once, and signs in by the password they chose', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const email = `${newId()}@example.org`;
  const { bearer } = await inviteMember(metadata, admin, { email, roles: ['standard'] });
  const accept = () => acceptInvitation({ metadata }, { invitation: bearer, password: 'correct horse' });
  expect((await outcomes([accept(), accept(), accept()])).toSorted()).toEqual([
    'InvitationRefusedError',
    'InvitationRefusedError',
    'done',
  ]);
  const session = await signIn({ metadata }, { email: email.toUpperCase(), password: 'correct horse' });
  expect(session.organizations.map(({ org_id }) => org_id)).toEqual([orgId]);
  expect((await callerOf(metadata, { orgId, userId: session.user.userId })).roles).toEqual(['standard']);
  expect(await platform.audited(orgId)).toEqual(['user.invite', 'user.join']);
  await expect(inviteMember(metadata, admin, { email, roles: [] })).rejects.toThrow(ConflictError);
});

test('an invitation to an address that has a user makes that user a member, and gives them no password', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const email = `${newId()}@example.org`;
  const userId = await platform.user({ email });
  const { bearer } = await inviteMember(metadata, admin, { email: email.toUpperCase(), roles: ['viewer'] });
  await expect(acceptInvitation({ metadata }, { invitation: bearer, password: 'taken over' })).rejects.toThrow(
    ValidationFailedError,
  );
  const race = Array.from({ length: 5 }, () => acceptInvitation({ metadata }, { invitation: bearer }));
  const settled = await Promise.allSettled(race);
  expect(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))).toEqual([
    { orgId, userId, isNewUser: false },
  ]);
  for (const one of settled) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(InvitationRefusedError);
});

test('an invitation that was revoked, replaced, changed or has expired is refused, and those of who left too', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const other = await platform.organization();
  const second = await platform.member(orgId, ['admin']);
  const invite = (caller = admin, email = `${newId()}@example.org`) =>
    inviteMember(metadata, caller, { email, roles: ['viewer'] });
  const refused = async (invitation: string) =>
    expect(acceptInvitation({ metadata }, { invitation })).rejects.toThrow(InvitationRefusedError);

  const revoked = await invite();
  await expect(revokeInvitation(metadata, other.admin, revoked)).rejects.toThrow(NotFoundError);
  await revokeInvitation(metadata, admin, revoked);
  await refused(revoked.bearer);

  const email = `${newId()}@example.org`;
  const replaced = await invite(admin, email);
  const open = await invite(admin, email);
  await refused(replaced.bearer);
  await refused(`${open.bearer.slice(0, -4)}0000`);
  await refused('mad_invitation_x');

  const late = await inviteMember(metadata, admin, { email: `${newId()}@example.org`, roles: [], expiresInMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await refused(late.bearer);

  const ofSecond = await invite(second);
  await removeMember(metadata, admin, { userId: second.userId });
  await refused(ofSecond.bearer);

  expect((await listMemberInvitations(metadata, admin)).items).toHaveLength(5);
  expect((await listMemberInvitations(metadata, other.admin)).items).toEqual([]);
});

test('of two administrators who remove each other at once one is refused, by whatever way', async () => {
  const { metadata } = platform;
  for (const act of [
    removeMember,
    disableMember,
    (...[db, caller, { userId }]: Parameters<typeof removeMember>) =>
      setMemberRoles(db, caller, { userId, roles: ['viewer'] }),
  ]) {
    const { orgId, admin } = await platform.organization();
    const second = await platform.member(orgId, ['admin']);
    const calls = [act(metadata, admin, { userId: second.userId }), act(metadata, second, { userId: admin.userId })];
    expect((await outcomes(calls)).toSorted()).toEqual(['LastAdminError', 'done']);
  }
});

test('whoever changes the administrators of an organization waits for who does it now', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const [second, third] = [await platform.member(orgId, ['admin']), await platform.member(orgId, ['admin'])];
  let done: Promise<void>[] = [];
  const waiting: string[] = [];
  await inOrganization(metadata, orgId, async (tx) => {
    await lockAdmins(tx, { orgId });
    done = [
      removeMember(metadata, admin, { userId: second.userId }),
      disableUser({ metadata }, { userId: third.userId, actor: null }),
    ];
    for (const call of done) call.then(() => waiting.push('over'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(waiting).toEqual([]);
  });
  await Promise.all(done);
});

test('the operator disables no last administrator, unless told to; an administrator who is disabled does not count', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const second = await platform.member(orgId, ['admin']);
  const disable = (userId: string, evenLastAdmin = false) =>
    disableUser({ metadata }, { userId, actor: null, evenLastAdmin });
  const at = [disable(admin.userId), disable(second.userId)];
  expect((await outcomes(at)).toSorted()).toEqual(['LastAdminError', 'done']);
  const [gone, left] = (await findCaller(metadata, admin).catch(() => undefined)) ? [second, admin] : [admin, second];
  await expect(findCaller(metadata, gone)).rejects.toThrow(UserDisabledError);
  await expect(removeMember(metadata, left, { userId: left.userId })).rejects.toThrow(LastAdminError);
  await disable(left.userId, true);
  await expect(findCaller(metadata, left)).rejects.toThrow(UserDisabledError);
  await reactivateUser({ metadata }, { userId: gone.userId, actor: null });
  expect(await findCaller(metadata, gone)).toMatchObject({ roles: ['admin'] });
});

test('a member who is disabled in one organization is out of that one alone, and comes back with roles and keys', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const other = await platform.organization();
  const member = await platform.member(orgId, ['standard']);
  await platform.member(other.orgId, ['viewer'], member.userId);
  const { bearer } = await createApiKey(metadata, member, { name: 'ci', scopes: ['job.view'] });
  await disableMember(metadata, admin, member);
  await expect(findCaller(metadata, member)).rejects.toThrow(MemberDisabledError);
  await expect(authenticate({ metadata }, bearer)).rejects.toThrow(TokenRefusedError);
  expect(await findCaller(metadata, { orgId: other.orgId, userId: member.userId })).toMatchObject({
    roles: ['viewer'],
  });
  await reactivateMember(metadata, admin, member);
  expect(await findCaller(metadata, member)).toMatchObject({ roles: ['standard'] });
  expect(await authenticate({ metadata }, bearer)).toMatchObject({ userId: member.userId });
});

test('nobody hands out what they do not hold: by roles of members, new roles, changed roles, or invitations', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const names = ['user.create', 'role.assign', 'role.manage', 'job.view'] as const;
  await defineRole(metadata, admin, { name: 'helper', permissions: [...names] });
  const helper = await platform.member(orgId, ['helper']);
  await expect(setMemberRoles(metadata, helper, { userId: helper.userId, roles: ['admin'] })).rejects.toThrow(
    GrantRefusedError,
  );
  await expect(defineRole(metadata, helper, { name: 'mine', permissions: ['job.cancel:own'] })).rejects.toThrow(
    GrantRefusedError,
  );
  await expect(
    setRolePermissions(metadata, helper, { name: 'helper', permissions: [...names, 'job.create'] }),
  ).rejects.toThrow(GrantRefusedError);
  await expect(inviteMember(metadata, helper, { email: 'a@example.org', roles: ['standard'] })).rejects.toThrow(
    GrantRefusedError,
  );
  // What is held for all rows may be given for one's own.
  await defineRole(metadata, helper, { name: 'looker', permissions: ['job.view:own'] });
  await setMemberRoles(metadata, helper, { userId: helper.userId, roles: ['helper', 'looker'] });
  expect((await callerOf(metadata, helper)).roles).toEqual(['helper', 'looker']);
  await expect(setMemberRoles(metadata, helper, { userId: helper.userId, roles: ['nothing'] })).rejects.toThrow(
    NotFoundError,
  );
  await removeRole(metadata, admin, { name: 'helper' });
  expect((await callerOf(metadata, helper)).permissions).toEqual(new Set(['job.view:own']));
});

test('the role admin stays as it is, and a role holds permissions that exist', async () => {
  const { metadata } = platform;
  const { admin } = await platform.organization();
  await expect(setRolePermissions(metadata, admin, { name: 'admin', permissions: [] })).rejects.toThrow(
    RoleProtectedError,
  );
  await expect(removeRole(metadata, admin, { name: 'admin' })).rejects.toThrow(RoleProtectedError);
  for (const permission of ['job.fly', 'org.view:own', 'job.view:own:own', '__proto__', 'org.quota.update:own'])
    await expect(defineRole(metadata, admin, { name: 'odd', permissions: [permission as 'job.view'] })).rejects.toThrow(
      ValidationFailedError,
    );
  await expect(defineRole(metadata, admin, { name: 'root', permissions: ['org.quota.update'] })).rejects.toThrow(
    GrantRefusedError,
  );
  await expect(defineRole(metadata, admin, { name: 'viewer', permissions: [] })).rejects.toThrow(ConflictError);
});

test('members and roles of another organization do not exist, and every call asks for its permission', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const other = await platform.organization();
  const theirs = { userId: other.admin.userId };
  await defineRole(metadata, other.admin, { name: 'theirs', permissions: [] });
  for (const call of [
    () => removeMember(metadata, admin, theirs),
    () => disableMember(metadata, admin, theirs),
    () => reactivateMember(metadata, admin, theirs),
    () => setMemberRoles(metadata, admin, { ...theirs, roles: ['viewer'] }),
    () => setMemberRoles(metadata, admin, { userId: admin.userId, roles: ['admin', 'theirs'] }),
    () => setRolePermissions(metadata, admin, { name: 'theirs', permissions: [] }),
    () => removeRole(metadata, admin, { name: 'theirs' }),
    () => inviteMember(metadata, admin, { email: 'b@example.org', roles: ['theirs'] }),
  ])
    await expect(call()).rejects.toThrow(NotFoundError);
  const nobody = await platform.member(orgId, ['viewer']);
  const me = { userId: nobody.userId };
  for (const call of [
    () => removeMember(metadata, nobody, me),
    () => disableMember(metadata, nobody, me),
    () => reactivateMember(metadata, nobody, me),
    () => setMemberRoles(metadata, nobody, { ...me, roles: [] }),
    () => defineRole(metadata, nobody, { name: 'x', permissions: [] }),
    () => setRolePermissions(metadata, nobody, { name: 'viewer', permissions: [] }),
    () => removeRole(metadata, nobody, { name: 'viewer' }),
    () => inviteMember(metadata, nobody, { email: 'c@example.org', roles: [] }),
    () => listMemberInvitations(metadata, nobody),
    () => revokeInvitation(metadata, nobody, { invitationId: newId() }),
  ])
    await expect(call()).rejects.toThrow(PermissionDeniedError);
  expect(await platform.audited(orgId)).toEqual([]);
});
