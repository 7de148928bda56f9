import { authenticate } from '@mad/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestPlatform, type TestPlatform } from '../org/platform.ts';

const ADMIN = 'admin@example.org';

let platform: TestPlatform;
let orgId: string;
let userId: string;
beforeAll(async () => {
  platform = await openTestPlatform();
  const made = await platform.mad(['org', 'create', 'Acme', '--placement', 'schema', '--admin', ADMIN, '--json']);
  ({ org_id: orgId, admin_user_id: userId } = JSON.parse(made.out));
});
afterAll(() => platform[Symbol.asyncDispose]());

const token = (...args: string[]) => platform.mad(['token', ...args, '--org', 'Acme']);
async function json(...args: string[]) {
  const { code, out, err } = await token(...args, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}
const create = (name: string, ...more: string[]) =>
  json('create', name, '--user', ADMIN, '--scope', 'job.view', 'job.create', ...more);
const refused = { code: 'MAD_TENANCY_TOKEN_REFUSED' };

test('a key is made for a member, is good for its scopes, is listed without its secret, and revoked', async () => {
  const made = await token('create', 'nightly', '--user', ADMIN, '--scope', 'job.view', '--expires-in', '30d');
  expect(made).toMatchObject({ code: 0, err: '' });
  const [, tokenId = '', bearer = ''] =
    /^(\S+) is a key of \S+ until \S+Z; it is shown this once:\n(mad_api_key_\S+)\n$/.exec(made.out) ?? [];
  const caller = await authenticate(platform, bearer);
  expect(caller).toMatchObject({ orgId, userId, permissions: new Set(['job.view']) });

  const listed = await token('list', '--user', userId);
  expect(listed.out).toMatch(/^token +name +user +state +expires +last used +scopes$/m);
  expect(listed.out).toMatch(new RegExp(`^${tokenId}  nightly +${userId} +good +\\S+Z +\\S+ +job\\.view$`, 'm'));
  expect((await token('list', '--json')).out).not.toMatch(/secret|hash|mad_api_key/);

  expect((await token('revoke', tokenId)).out).toBe(`${tokenId} is revoked\n`);
  await expect(authenticate(platform, bearer)).rejects.toMatchObject(refused);
  expect((await token('list')).out).toMatch(new RegExp(`^${tokenId}  nightly +${userId} +revoked `, 'm'));
});

test('a key is replaced by one of the same name, member, scopes and lifetime, and ends', async () => {
  const before = await create('rotated', '--expires-in', '10d');
  const after = await json('rotate', before.token_id, '--actor', userId);
  expect(after).toMatchObject({
    ...{ replaces: before.token_id, kept: false, name: 'rotated', user_id: userId },
    scopes: ['job.create', 'job.view'],
  });
  const lifetimeMs = Date.parse(after.expires_at) - Date.parse(after.created_at);
  expect(lifetimeMs / 86_400_000).toBeCloseTo(10, 2);
  await expect(authenticate(platform, before.bearer)).rejects.toMatchObject(refused);
  expect(await authenticate(platform, after.bearer)).toMatchObject({ userId });

  const kept = await token('rotate', after.token_id, '--keep', '--expires-in', '1d');
  expect(kept.out).toMatch(new RegExp(`\n${after.token_id} stays good: mad token revoke ends it\n$`));
  expect(await authenticate(platform, after.bearer)).toMatchObject({ userId });
  const again = await token('rotate', before.token_id);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toMatch(/^mad: unrevoked API key .* was not found in organization .*; mad token create .*\n$/);
});

test('a key holds no more than its holder, and belongs to a member', async () => {
  const more = await token('create', 'more', '--user', ADMIN, '--scope', 'org.quota.update');
  expect(more).toMatchObject({ code: 1, out: '' });
  expect(more.err).toMatch(/^mad: nobody hands out what they do not hold themselves: org\.quota\.update; .*\n$/);
  await platform.mad(['user', 'create', 'stranger@example.org']);
  const stranger = await token('create', 'strange', '--user', 'stranger@example.org', '--scope', 'job.view');
  expect(stranger).toMatchObject({ code: 1, out: '' });
  expect(stranger.err).toMatch(/^mad: member .* was not found in organization .*; mad user list --org shows .*\n$/);
});

test('a key of one organization is not there for another', async () => {
  const { token_id } = await create('mine');
  await platform.mad(['org', 'create', 'Other', '--placement', 'schema']);
  for (const command of ['revoke', 'rotate']) {
    const run = await platform.mad(['token', command, token_id, '--org', 'Other']);
    expect(run).toMatchObject({ code: 1, out: '', err: expect.stringContaining('was not found in ') });
  }
  expect((await platform.mad(['token', 'list', '--org', 'Other'])).out).toBe('no keys\n');
});

test.each([
  ['no user', ['create', 'x', '--scope', 'job.view'], /--user: expected their uuid, or .*, got none/],
  ['no scope', ['create', 'x', '--user', ADMIN], /--scope: expected permissions such as job\.view, got none/],
  [
    'no duration',
    ['create', 'x', '--user', ADMIN, '--scope', 'job.view', '--expires-in', 'soon'],
    /--expires-in: expected a duration .*/,
  ],
  [
    'a time too long',
    ['create', 'x', '--user', ADMIN, '--scope', 'job.view', '--expires-in', '400d'],
    /--expires-in: expected a duration .*, at most 366d, got "400d"/,
  ],
  ['a key for its id', ['revoke', 'mad_api_key_S3CRET'], /TOKEN: expected a uuid .*, got something else/],
])('%s: one line, exit code 2', async (_, args, line) => {
  const run = await token(...args);
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(run.err).toMatch(new RegExp(`^mad: ${line.source}\\n$`));
  expect(run.err).not.toContain('S3CRET');
});
