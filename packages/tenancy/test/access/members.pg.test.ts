import {
  ConflictError,
  deleteUser,
  type GrantedPermission,
  inAllOrganizations,
  inOrganization,
  lockAdmins,
  NotFoundError,
  newId,
  OrganizationInactiveError,
  PermissionDeniedError,
  updateOrganization,
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
  findMembers,
  findRoles,
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
  SEEDED_ROLES,
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

test('members and roles of the own organization are listed, page by page, to who may view it', async () => {
  const { metadata } = platform;
  const [{ orgId, admin }] = [await platform.organization(), await platform.organization()];
  const member = await platform.member(orgId, ['viewer', 'standard']);
  await disableMember(metadata, admin, { userId: member.userId });
  const first = await findMembers(metadata, admin, { limit: 1 });
  expect(first.items).toMatchObject([{ userId: member.userId, enabled: true, roles: ['standard', 'viewer'] }]);
  expect(first.items[0]?.disabledAt).toBeInstanceOf(Date);
  const { items } = await findMembers(metadata, admin, { cursor: first.nextCursor });
  expect(items).toMatchObject([{ userId: admin.userId, roles: ['admin'], disabledAt: null }]);
  const { items: roles } = await findRoles(metadata, member);
  const own = roles.filter(({ isGlobal }) => !isGlobal);
  expect(own.map(({ name }) => name).sort()).toEqual(['admin', 'standard', 'viewer']);
  expect(own.find(({ name }) => name === 'viewer')?.permissions).toEqual([...SEEDED_ROLES.viewer].sort());
  const stranger = { ...member, permissions: new Set(['job.view']) };
  await expect(findMembers(metadata, stranger)).rejects.toThrow(PermissionDeniedError);
  await expect(findRoles(metadata, stranger)).rejects.toThrow(PermissionDeniedError);
});

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
  expect(session.organizations.map((one) => one.orgId)).toEqual([orgId]);
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

test('an invitation opens nothing to a disabled user, nor into an organization that is suspended, until they are back', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const email = `${newId()}@example.org`;
  const userId = await platform.user({ email });
  const { bearer } = await inviteMember(metadata, admin, { email, roles: [] });
  const accept = () => acceptInvitation({ metadata }, { invitation: bearer });
  const setStatus = (status: 'suspended' | 'active') =>
    inAllOrganizations(metadata, (tx) => updateOrganization(tx, { orgId, set: { status } }));
  await disableUser({ metadata }, { userId, actor: null });
  await expect(accept()).rejects.toThrow(UserDisabledError);
  await reactivateUser({ metadata }, { userId, actor: null });
  await setStatus('suspended');
  await expect(accept()).rejects.toThrow(OrganizationInactiveError);
  await setStatus('active');
  expect(await accept()).toEqual({ orgId, userId, isNewUser: false });
});

test('nobody gets a password hashed for a made-up invitation', async () => {
  const { metadata } = platform;
  const { admin } = await platform.organization();
  const { bearer } = await inviteMember(metadata, admin, { email: `${newId()}@example.org`, roles: [] });
  let hashed = 0;
  const hash = async () => {
    hashed++;
    return '$argon2id$of nobody';
  };
  const passwords = { hash, verify: async () => false, isWeaker: () => false };
  for (const invitation of [`mad_invitation_${newId()}_${'0'.repeat(64)}`, `${bearer.slice(0, -4)}0000`])
    await expect(acceptInvitation({ metadata, passwords }, { invitation, password: 'correct horse' })).rejects.toThrow(
      InvitationRefusedError,
    );
  expect(hashed).toBe(0);
  await acceptInvitation({ metadata, passwords }, { invitation: bearer, password: 'correct horse' });
  expect(hashed).toBe(1);
});

test('who loses a role or is disabled loses their open invitations; who is given a role keeps them', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const inviter = await platform.member(orgId, ['admin', 'viewer']);
  const invite = () => inviteMember(metadata, inviter, { email: `${newId()}@example.org`, roles: [] });
  const accept = async ({ bearer }: { bearer: string }) =>
    (await outcomes([acceptInvitation({ metadata }, { invitation: bearer })]))[0];
  const setRoles = (...roles: string[]) => setMemberRoles(metadata, admin, { userId: inviter.userId, roles });
  const [first, second] = [await invite(), await invite()];
  await setRoles('admin', 'viewer', 'standard');
  expect(await accept(first)).toBe('done');
  await setRoles('admin', 'viewer');
  expect(await accept(second)).toBe('InvitationRefusedError');
  const third = await invite();
  await disableMember(metadata, admin, inviter);
  await reactivateMember(metadata, admin, inviter);
  expect(await accept(third)).toBe('InvitationRefusedError');
  const fourth = await invite();
  await disableUser({ metadata }, { userId: inviter.userId, actor: null });
  await reactivateUser({ metadata }, { userId: inviter.userId, actor: null });
  expect(await accept(fourth)).toBe('InvitationRefusedError');
});

test('an invitation ends with what its maker may hand out, by whatever way they lose it', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const held = ['user.create', 'role.assign', 'job.view'] as const;
  const define = (name: string, permissions: readonly GrantedPermission[]) =>
    defineRole(metadata, admin, { name, permissions });
  await define('seer', ['job.view']);
  const losses = [
    (name: string) => removeRole(metadata, admin, { name }),
    (name: string) => setRolePermissions(metadata, admin, { name, permissions: [] }),
    (name: string) => setRolePermissions(metadata, admin, { name, permissions: ['user.create', 'job.view'] }),
    (name: string) => setRolePermissions(metadata, admin, { name, permissions: ['user.create', 'role.assign'] }),
    () => setRolePermissions(metadata, admin, { name: 'seer', permissions: ['job.view', 'cache.view'] }),
  ];
  for (const [index, lose] of losses.entries()) {
    const name = `lead ${index}`;
    await define(name, held);
    const lead = await platform.member(orgId, [name]);
    const invite = () => inviteMember(metadata, lead, { email: `${newId()}@example.org`, roles: ['seer'] });
    const [kept, lost] = [await invite(), await invite()];
    expect(await acceptInvitation({ metadata }, { invitation: kept.bearer })).toMatchObject({ orgId });
    await lose(name);
    for (const password of [undefined, 'correct horse'])
      await expect(acceptInvitation({ metadata }, { invitation: lost.bearer, password })).rejects.toThrow(
        InvitationRefusedError,
      );
  }
});

test('an invitation that the operator makes in the name of a user rests on no permission of theirs', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const viewer = await platform.member(orgId, ['viewer']);
  const makers = [
    { userId: null, invitedBy: null },
    { userId: await platform.user(), invitedBy: null },
    { userId: viewer.userId, invitedBy: null },
    { userId: admin.userId, invitedBy: admin.userId },
  ];
  for (const { userId, invitedBy } of makers) {
    const operator = { orgId, userId, permissions: admin.permissions };
    const made = await inviteMember(metadata, operator, { email: `${newId()}@example.org`, roles: ['standard'] });
    expect(made.invitedBy).toBe(invitedBy);
    expect(await acceptInvitation({ metadata }, { invitation: made.bearer })).toMatchObject({ orgId });
  }
});

test('who is deleted takes their open invitations along', async () => {
  const { metadata } = platform;
  const { orgId } = await platform.organization();
  const { userId, ...second } = await platform.member(orgId, ['admin']);
  const { bearer } = await inviteMember(
    metadata,
    { userId, ...second },
    { email: `${newId()}@example.org`, roles: ['admin'] },
  );
  await inAllOrganizations(metadata, (tx) => deleteUser(tx, { userId }));
  await expect(acceptInvitation({ metadata }, { invitation: bearer })).rejects.toThrow(InvitationRefusedError);
});

test('who was removed and comes back has none of the keys of before', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const member = await platform.member(orgId, ['standard']);
  const { bearer } = await createApiKey(metadata, member, { name: 'ci', scopes: ['job.view'] });
  await removeMember(metadata, admin, member);
  await platform.member(orgId, ['standard'], member.userId);
  await expect(authenticate({ metadata }, bearer)).rejects.toThrow(TokenRefusedError);
});

test('who may invite and not assign roles names none', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  await defineRole(metadata, admin, { name: 'host', permissions: ['user.create'] });
  await defineRole(metadata, admin, { name: 'guest', permissions: [] });
  const host = await platform.member(orgId, ['host']);
  const invite = (...roles: string[]) => inviteMember(metadata, host, { email: `${newId()}@example.org`, roles });
  await expect(invite('guest')).rejects.toThrow(PermissionDeniedError);
  expect(await invite()).toMatchObject({ invitedBy: host.userId });
});

test('of two administrators who remove each other at once one is refused, by whatever way', async () => {
  const { metadata } = platform;
  const demote = (...[db, caller, { userId }]: Parameters<typeof removeMember>) =>
    setMemberRoles(db, caller, { userId, roles: ['viewer'] });
  for (const { act, refusal } of [
    { act: removeMember, refusal: 'PermissionDeniedError' },
    { act: disableMember, refusal: 'MemberDisabledError' },
    { act: demote, refusal: 'PermissionDeniedError' },
  ]) {
    const { orgId, admin } = await platform.organization();
    const second = await platform.member(orgId, ['admin']);
    const calls = [act(metadata, admin, { userId: second.userId }), act(metadata, second, { userId: admin.userId })];
    expect((await outcomes(calls)).toSorted()).toEqual([refusal, 'done']);
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
