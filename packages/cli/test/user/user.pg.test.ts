import { acceptInvitation, chooseOrganization, findCaller, refreshSession, signIn } from '@mad/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestPlatform, type TestPlatform, type Typed } from '../org/platform.ts';

const ADMIN = 'admin@example.org';

let platform: TestPlatform;
let orgId: string;
let adminUserId: string;
beforeAll(async () => {
  platform = await openTestPlatform();
  const made = await platform.mad(['org', 'create', 'Acme', '--placement', 'schema', '--admin', ADMIN, '--json']);
  ({ org_id: orgId, admin_user_id: adminUserId } = JSON.parse(made.out));
});
afterAll(() => platform[Symbol.asyncDispose]());

const user = (...args: string[]) => platform.mad(['user', ...args]);
async function json(args: readonly string[], typed?: Typed) {
  const { code, out, err } = await platform.mad(['user', ...args, '--json'], typed);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}
const trailOf = async (action: string, ...where: string[]) => {
  const { out } = await platform.mad(['audit', 'list', ...where, '--action', action, '--json']);
  return JSON.parse(out).items;
};

test('a user is made with a password from standard input, signs in by it, and by the next one after it was set', async () => {
  const email = 'ada@example.org';
  const made = await json(['create', email, '--with-password', '--actor', adminUserId], { input: 'a first secret\n' });
  expect(made).toEqual({ user_id: expect.any(String), email });
  const { user_id: userId } = made;
  const { refreshToken } = await signIn(platform, { email, password: 'a first secret' });

  const changed = await platform.mad(['user', 'set-password', 'ADA@example.org'], { input: 'a second secret' });
  expect(changed).toMatchObject({
    code: 0,
    out: `${userId} has a new password; their sessions have ended\n`,
    err: '',
  });
  await expect(refreshSession(platform, { refreshToken })).rejects.toMatchObject({ code: 'MAD_TENANCY_TOKEN_REFUSED' });
  await expect(signIn(platform, { email, password: 'a first secret' })).rejects.toMatchObject({
    code: 'MAD_TENANCY_SIGN_IN_FAILED',
  });
  await signIn(platform, { email, password: 'a second secret' });
  expect(await trailOf('user.create', '--platform', '--id', userId)).toMatchObject([
    { actor: { user_id: adminUserId } },
  ]);
  expect(await trailOf('user.password', '--platform', '--id', userId)).toMatchObject([{ actor: null }]);
});

test('at a terminal a password is asked for twice, and nothing is done where the two differ', async () => {
  const create = ['user', 'create', 'typed@example.org', '--with-password'];
  const mistyped = await platform.mad(create, { secrets: ['typed secret', 'typed secert'] });
  expect(mistyped).toEqual({
    code: 2,
    out: '',
    err: 'mad: standard input: expected the same password twice, got two that differ; nothing was done\n',
    asked: ['New password of typed@example.org: ', 'The same again: '],
  });
  const typed = await platform.mad(create, { secrets: ['typed secret', 'typed secret'] });
  expect(typed.out).toMatch(/^[0-9a-f-]{36} is typed@example\.org, with a password\n$/);
  await signIn(platform, { email: 'typed@example.org', password: 'typed secret' });
});

test('users are listed and shown, with how they sign in and where they are members, and without hashes', async () => {
  const { user_id } = await json(['create', 'grace@example.org']);
  const listed = await user('list');
  expect(listed.out).toMatch(/^user +e-mail +state +made$/m);
  expect(listed.out).toMatch(new RegExp(`^${user_id}  grace@example\\.org +enabled +\\d{4}-\\d\\d-\\d\\d$`, 'm'));
  expect((await user('list', '--json')).out).not.toMatch(/hash|argon/);
  expect((await json(['list', '--limit', '1'])).items).toHaveLength(1);

  const shown = await user('show', 'GRACE@example.org');
  expect(shown.out).toMatch(/^signs in by +nothing yet$/m);
  expect(shown.out).toMatch(/^member of +nothing$/m);
  const admin = await user('show', adminUserId);
  expect(admin.out).toMatch(new RegExp(`^ +Acme +${orgId} +enabled +admin$`, 'm'));
  const found = await json(['show', ADMIN]);
  expect(found).toEqual({
    ...{ user_id: adminUserId, email: ADMIN, enabled: true, created_at: expect.any(String) },
    ...{ has_password: false, identities: [] },
    organizations: [{ org_id: orgId, name: 'Acme', status: 'active', disabled_at: null, roles: ['admin'] }],
  });
});

test('somebody is invited, joins with the roles named, is given others, kept out, let in and removed', async () => {
  const email = 'member@example.org';
  const invited = await user('invite', email, 'viewer', '--org', 'Acme', '--expires-in', '3d', '--actor', adminUserId);
  expect(invited).toMatchObject({ code: 0, err: '' });
  const [, bearer = ''] = /it is shown this once:\n(mad_invitation_\S+)\n$/.exec(invited.out) ?? [];
  expect((await user('invitations', '--org', orgId)).out).toMatch(
    new RegExp(`^[0-9a-f-]{36}  member@example\\.org  open   ${adminUserId}  \\d{4}-.*Z\n1 invitation\n$`, 'm'),
  );
  const { userId } = await acceptInvitation(platform, { invitation: bearer, password: 'a long secret' });
  expect((await user('list', '--org', 'acme')).out).toMatch(
    new RegExp(`^${userId}  member@example\\.org +enabled +viewer +\\d{4}-\\d\\d-\\d\\d$`, 'm'),
  );

  const given = await user('set-roles', email, 'standard', 'viewer', '--org', 'Acme');
  expect(given.out).toBe(`${userId} holds standard, viewer\n`);
  expect(await findCaller(platform.metadata, { orgId, userId })).toMatchObject({ roles: ['standard', 'viewer'] });

  expect(await json(['disable', email, '--org', 'Acme'])).toEqual({ user_id: userId, org_id: orgId, enabled: false });
  await expect(findCaller(platform.metadata, { orgId, userId })).rejects.toMatchObject({
    code: 'MAD_TENANCY_MEMBER_DISABLED',
  });
  expect((await user('reactivate', email, '--org', 'Acme')).out).toBe(
    `${userId} is enabled in organization ${orgId}\n`,
  );
  const { refreshToken } = await signIn(platform, { email, password: 'a long secret' });
  await chooseOrganization(platform, { refreshToken, orgId });

  expect((await user('remove', email, '--org', 'Acme')).out).toBe(`${userId} is no member of ${orgId} any more\n`);
  expect(await findCaller(platform.metadata, { orgId, userId })).toBeUndefined();
  const trail = await trailOf('user.remove', '--org', 'Acme');
  expect(trail).toMatchObject([{ entity_id: userId, actor: null }]);
});

test('an open invitation is revoked', async () => {
  const { invitation_id, bearer } = await json(['invite', 'nobody@example.org', '--org', 'Acme']);
  expect((await user('revoke-invitation', invitation_id, '--org', 'Acme')).out).toBe(`${invitation_id} is revoked\n`);
  await expect(acceptInvitation(platform, { invitation: bearer })).rejects.toMatchObject({
    code: 'MAD_TENANCY_INVITATION_REFUSED',
  });
  const { items } = await json(['invitations', '--org', 'Acme']);
  expect(items.find((item: { email: string }) => item.email === 'nobody@example.org')).toMatchObject({
    revoked_at: expect.any(String),
  });
});

test('an account is kept off the platform and let in; the last administrator only when that is said', async () => {
  const { user_id } = await json(['create', 'away@example.org']);
  expect((await user('disable', 'away@example.org')).out).toBe(`${user_id} is disabled\n`);
  expect(await json(['show', user_id])).toMatchObject({ enabled: false });
  expect((await user('reactivate', user_id)).out).toBe(`${user_id} is enabled\n`);

  const refused = await user('disable', ADMIN);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(/^mad: organization .* would be left without an administrator; .*\n$/);
  expect(await json(['disable', ADMIN, '--even-last-admin'])).toEqual({
    ...{ user_id: adminUserId, org_id: null, enabled: false },
  });
  await json(['reactivate', ADMIN]);
});

test('who is not there is one line with the next step, exit code 1', async () => {
  for (const args of [
    ['show', 'nobody@nowhere.example'],
    ['set-password', orgId],
    ['set-roles', 'nobody@nowhere.example', 'viewer', '--org', 'Acme'],
  ]) {
    const run = await platform.mad(['user', ...args], { input: 'a long secret' });
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(/^mad: user .* was not found in the Metadata DB; mad user list shows .*\n$/);
  }
  const { user_id } = await json(['create', 'stranger@example.org']);
  const stranger = await user('remove', user_id, '--org', 'Acme');
  expect(stranger).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^mad: member .* was not found in /) });
});

test.each([
  ['no password', ['create', 'x@example.org', '--with-password'], /standard input: expected the password, got nothing/],
  ['a password as an argument', ['create', 'x@example.org', '--with-password', 'S3CRET'], /too many arguments.*/],
  ['no organization', ['invite', 'x@example.org'], /--org: expected the uuid or the name of .*, got none/],
  ['no roles', ['set-roles', 'x@example.org', '--org', 'Acme'], /missing required argument 'roles'/],
  [
    'an invitation for its id',
    ['revoke-invitation', 'mad_invitation_S3CRET', '--org', 'Acme'],
    /UUID: expected a uuid .*, got something else/,
  ],
  [
    'the last administrator of one organization',
    ['disable', ADMIN, '--org', 'Acme', '--even-last-admin'],
    /--even-last-admin: expected no --org beside it, got both/,
  ],
])('%s: one line, exit code 2', async (_, args, line) => {
  const run = await user(...args);
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(run.err).toMatch(new RegExp(`^mad: ${line.source}\\n$`));
  expect(run.err).not.toContain('S3CRET');
});

test.each([
  ['too short', 'S3CRET', 1],
  ['of two lines', 'S3CRET one\nS3CRET two\n', 2],
])('a password that is %s is refused without being shown', async (_, input, code) => {
  const run = await platform.mad(['user', 'create', 'short@example.org', '--with-password'], { input });
  expect(run).toMatchObject({ code, out: '' });
  expect(run.err).toMatch(/^mad: [^\n]*password[^\n]*\n$/);
  expect(run.err).not.toContain('S3CRET');
});
