import { generateKeyPairSync } from 'node:crypto';
import {
  inAllOrganizations,
  type MetadataDatabase,
  NotFoundError,
  newId,
  OrganizationInactiveError,
  PermissionDeniedError,
  ValidationFailedError,
} from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  ApiKeyRefusedError,
  authenticate,
  createApiKey,
  createTokenMemory,
  disableUser,
  GrantRefusedError,
  issueAccessToken,
  listApiKeys,
  removeMember,
  revokeApiKey,
  setMemberRoles,
  TokenRefusedError,
  UserDisabledError,
  verifyAccessToken,
} from '../../src/index.ts';
import { type AccessPlatform, countingDatabase, createAccessPlatform } from './access-platform.ts';

let platform: AccessPlatform;
beforeAll(async () => {
  platform = await createAccessPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const DAY = 86_400_000;

test('a key stands for its maker in its organization, is shown once and kept as a digest', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const key = await createApiKey(metadata, admin, { name: 'ci', scopes: ['job.create', 'job.view'] });
  expect(key.bearer).toMatch(/^mad_api_key_[0-9a-f-]{36}_[0-9a-f]{64}$/);
  expect(await authenticate({ metadata }, key.bearer)).toEqual({
    orgId,
    userId: admin.userId,
    roles: [],
    apiKeyId: key.tokenId,
    permissions: new Set(['job.create', 'job.view']),
  });
  const { rows } = await sql<{ all: string }>`select string_agg(t::text, '') as all from tokens t`.execute(metadata);
  expect(rows[0]?.all).not.toContain(key.bearer.slice(-64));
  const { items } = await listApiKeys(metadata, admin);
  expect(items).toMatchObject([{ tokenId: key.tokenId, name: 'ci', revoked: false }]);
  expect(JSON.stringify(items)).not.toMatch(/[0-9a-f]{64}/);
});

test.each([
  '',
  'mad_api_key_',
  `mad_api_key_${newId()}_${'0'.repeat(64)}`,
  `mad_refresh_${newId()}_${'0'.repeat(64)}`,
  `mad_api_key_${newId()}_${'0'.repeat(64)}\n`,
  `mad_api_key_${'x'.repeat(100_000)}`,
  null as unknown as string,
])('%j is no key', async (bearer) => {
  await expect(authenticate({ metadata: platform.metadata }, bearer)).rejects.toThrow(TokenRefusedError);
});

test('a wrong secret, an expired or revoked key, a disabled user and an inactive organization are refused', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const member = await platform.member(orgId, ['standard']);
  const make = (expiresInMs = DAY) => createApiKey(metadata, member, { name: 'k', scopes: ['job.view'], expiresInMs });
  const [key, brief] = [await make(), await make(1)];
  const refused = (bearer: string, error: unknown = TokenRefusedError) =>
    expect(authenticate({ metadata }, bearer)).rejects.toThrow(error as typeof TokenRefusedError);
  const last = key.bearer.at(-1) === '0' ? '1' : '0';
  await refused(key.bearer.slice(0, -1) + last);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await refused(brief.bearer);
  await inAllOrganizations(metadata, (tx) =>
    tx.updateTable('organizations').set({ status: 'suspended' }).where('org_id', '=', orgId).execute(),
  );
  await refused(key.bearer, OrganizationInactiveError);
  await inAllOrganizations(metadata, (tx) =>
    tx.updateTable('organizations').set({ status: 'active' }).where('org_id', '=', orgId).execute(),
  );
  await disableUser({ metadata }, { userId: member.userId, actor: null });
  await refused(key.bearer, UserDisabledError);
  const ofAdmin = await createApiKey(metadata, admin, { name: 'k', scopes: ['job.view'] });
  await revokeApiKey(metadata, admin, ofAdmin);
  await revokeApiKey(metadata, admin, ofAdmin);
  await refused(ofAdmin.bearer);
});

test('a key may do what its scopes and the roles of its holder both give, as they are when it is used', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const second = await platform.member(orgId, ['admin']);
  const scopes = ['job.cancel', 'job.view', 'molecule.upload', 'pipeline.create'];
  const { bearer } = await createApiKey(metadata, second, { name: 'wide', scopes });
  await setMemberRoles(metadata, admin, { userId: second.userId, roles: ['standard'] });
  const { permissions } = await authenticate({ metadata }, bearer);
  expect(permissions).toEqual(new Set(['job.cancel:own', 'job.view', 'molecule.upload']));
  const narrow = await createApiKey(metadata, admin, { name: 'own', scopes: ['job.cancel:own'] });
  expect((await authenticate({ metadata }, narrow.bearer)).permissions).toEqual(new Set(['job.cancel:own']));
  await removeMember(metadata, admin, { userId: second.userId });
  await expect(authenticate({ metadata }, bearer)).rejects.toThrow(TokenRefusedError);
  await platform.member(orgId, ['admin'], second.userId);
  await expect(authenticate({ metadata }, bearer)).rejects.toThrow(TokenRefusedError);
});

test('an access token made of a key says no more than the key may do', async () => {
  const { metadata } = platform;
  const { admin } = await platform.organization();
  const { bearer } = await createApiKey(metadata, admin, { name: 'ci', scopes: ['job.view'] });
  const key = { kid: 'one', algorithm: 'EdDSA', ...generateKeyPairSync('ed25519') } as const;
  const keys = { issuer: 'https://dock.example', audience: 'dock', keys: [key] };
  const token = await issueAccessToken(keys, { principal: await authenticate({ metadata }, bearer) });
  expect(await verifyAccessToken(keys, token)).toMatchObject({
    userId: admin.userId,
    roles: [],
    permissions: new Set(['job.view']),
  });
});

test('a key makes no key that would outlive it, by an access token neither', async () => {
  const { metadata } = platform;
  const { admin } = await platform.organization();
  const parent = await createApiKey(metadata, admin, { name: 'ci', scopes: ['token.manage:own', 'job.view'] });
  const byKey = await authenticate({ metadata }, parent.bearer);
  expect(byKey.apiKeyId).toBe(parent.tokenId);
  const key = { kid: 'one', algorithm: 'EdDSA', ...generateKeyPairSync('ed25519') } as const;
  const keys = { issuer: 'https://dock.example', audience: 'dock', keys: [key] };
  const byToken = await verifyAccessToken(keys, await issueAccessToken(keys, { principal: byKey }));
  for (const caller of [byKey, byToken])
    await expect(createApiKey(metadata, caller, { name: 'child', scopes: ['job.view'] })).rejects.toThrow(
      ApiKeyRefusedError,
    );
  expect((await listApiKeys(metadata, byKey)).items.map(({ name }) => name)).toEqual(['ci']);
});

test('a key asks for no more than its maker holds', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const standard = await platform.member(orgId, ['standard']);
  const make = (caller: typeof admin, scopes: string[]) => createApiKey(metadata, caller, { name: 'k', scopes });
  await expect(make(standard, ['job.cancel'])).rejects.toThrow(GrantRefusedError);
  for (const scopes of [[], ['job.fly'], ['*']])
    await expect(make(admin, scopes)).rejects.toThrow(ValidationFailedError);
  await expect(make({ ...admin, userId: null as unknown as string }, ['job.view'])).rejects.toThrow(
    PermissionDeniedError,
  );
  await expect(make(await platform.member(orgId, ['viewer']), ['job.view'])).rejects.toThrow(PermissionDeniedError);
});

test('members see and revoke their own keys, managers those of the organization, nobody those of another', async () => {
  const { metadata } = platform;
  const { orgId, admin } = await platform.organization();
  const other = await platform.organization();
  const standard = await platform.member(orgId, ['standard']);
  const mine = await createApiKey(metadata, standard, { name: 'mine', scopes: ['job.view'] });
  const theirs = await createApiKey(metadata, admin, { name: 'theirs', scopes: ['job.view'] });
  expect((await listApiKeys(metadata, standard)).items.map(({ name }) => name)).toEqual(['mine']);
  expect((await listApiKeys(metadata, admin)).items.map(({ name }) => name)).toEqual(['theirs', 'mine']);
  expect((await listApiKeys(metadata, other.admin)).items).toEqual([]);
  await expect(listApiKeys(metadata, standard, { userId: admin.userId })).rejects.toThrow(PermissionDeniedError);
  await expect(revokeApiKey(metadata, standard, theirs)).rejects.toThrow(PermissionDeniedError);
  await expect(revokeApiKey(metadata, other.admin, mine)).rejects.toThrow(NotFoundError);
  await revokeApiKey(metadata, standard, mine);
  expect((await listApiKeys(metadata, admin, { userId: standard.userId })).items).toMatchObject([{ revoked: true }]);
  expect(await platform.audited(orgId)).toEqual(['token.create', 'token.create', 'token.revoke']);
});

test('a key is proven in one statement, by an ordinary login; its use is noted afterwards, once a minute', async () => {
  const { admin } = await platform.organization();
  const key = await createApiKey(platform.metadata, admin, { name: 'ci', scopes: ['job.view'] });
  await using counting = await countingDatabase(platform);
  const context = { metadata: counting.db };
  await authenticate(context, key.bearer);
  expect(counting.sent[0]).toContain('mad_token_holder');
  await vi.waitFor(() => expect(counting.sent.at(-1)).toBe('commit'));
  const [noted] = (await listApiKeys(platform.metadata, admin)).items;
  expect(noted?.lastUsedAt).toBeInstanceOf(Date);
  counting.sent.length = 0;
  await authenticate(context, key.bearer);
  await authenticate(context, key.bearer);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(counting.sent).toHaveLength(2);
});

test('a memory spares the statement, and a revoked key goes on for its time at most', async () => {
  const { admin } = await platform.organization();
  const key = await createApiKey(platform.metadata, admin, { name: 'ci', scopes: ['job.view'] });
  await authenticate({ metadata: platform.metadata }, key.bearer);
  await using counting = await countingDatabase(platform);
  const context = { metadata: counting.db, memory: createTokenMemory({ rememberMs: 400, capacity: 2 }) };
  await vi.waitFor(async () =>
    expect((await listApiKeys(platform.metadata, admin)).items[0]?.lastUsedAt).not.toBeNull(),
  );
  await authenticate(context, key.bearer);
  for (let again = 0; again < 20; again++) await authenticate(context, key.bearer);
  expect(counting.sent).toHaveLength(1);
  const began = performance.now();
  await revokeApiKey(platform.metadata, admin, key);
  while (
    await authenticate(context, key.bearer).then(
      () => true,
      () => false,
    )
  )
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(performance.now() - began).toBeLessThan(600);
});

test('a login that may not act as the operator is told which GRANT is missing', async () => {
  await using counting = await countingDatabase(platform);
  await sql`revoke mad_operator from ${sql.id(await loginOf(counting.db))}`.execute(platform.metadata);
  const bearer = `mad_api_key_${newId()}_${'0'.repeat(64)}`;
  await expect(authenticate({ metadata: counting.db }, bearer)).rejects.toThrow(/GRANT mad_organization, mad_operator/);
});

async function loginOf(db: MetadataDatabase): Promise<string> {
  const { rows } = await sql<{ login: string }>`select current_user as login`.execute(db);
  return rows[0]?.login ?? '';
}
