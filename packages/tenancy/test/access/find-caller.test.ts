import {
  authorize,
  inAllOrganizations,
  type MetadataDatabase,
  migrateMetadata,
  newId,
  OrganizationInactiveError,
  PERMISSIONS,
  PermissionDeniedError,
  ValidationFailedError,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCaller, provisionOrganization, SEEDED_ROLES, UserDisabledError } from '../../src/index.ts';

const database = createPgliteDatabase();
const metadata = database.db as unknown as MetadataDatabase;
const context = { metadata, clusters: { main: { kind: 'pglite', db: database.db } } } as const;
let orgId: string;
let otherOrgId: string;
let userId: string;

beforeAll(async () => {
  await migrateMetadata(database.db);
  const place = { placement: 'schema', cluster: 'main' } as const;
  const mine = await provisionOrganization(context, { ...place, name: 'Mine', admin: { email: 'ada@example.org' } });
  const other = await provisionOrganization(context, { ...place, name: 'Other' });
  [orgId, otherOrgId, userId] = [mine.orgId, other.orgId, mine.adminUserId ?? ''];
});
afterAll(() => database[Symbol.asyncDispose]());

async function join(role: keyof typeof SEEDED_ROLES): Promise<string> {
  const user_id = newId();
  await inAllOrganizations(metadata, async (tx) => {
    const { role_id } = await tx
      .selectFrom('roles')
      .select('role_id')
      .where('org_id', '=', orgId)
      .where('name', '=', role)
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('users')
      .values({ user_id, email: `${user_id}@example.org`, hashed_password: '!' })
      .execute();
    await tx.insertInto('memberships').values({ user_id, org_id: orgId }).execute();
    await tx.insertInto('membership_roles').values({ user_id, org_id: orgId, role_id }).execute();
  });
  return user_id;
}

test('a member holds the permissions of their roles, in that organization alone', async () => {
  const viewer = await findCaller(metadata, { orgId, userId: await join('viewer') });
  expect(viewer).toMatchObject({ orgId });
  expect(new Set(viewer?.permissions)).toEqual(new Set(SEEDED_ROLES.viewer));
  if (viewer) expect(() => authorize(viewer, 'job.create')).toThrow(PermissionDeniedError);
  const admin = await findCaller(metadata, { orgId, userId });
  expect(admin?.permissions.has('job.create')).toBe(true);
  expect(admin?.permissions.has('org.quota.update')).toBe(false);
  expect(await findCaller(metadata, { orgId: otherOrgId, userId })).toBeUndefined();
  expect(await findCaller(metadata, { orgId: newId(), userId })).toBeUndefined();
});

test('what is no id is nobody and nowhere', async () => {
  for (const id of ['x', '', 'a\0b', '\ud800', null as unknown as string, {} as string]) {
    expect(await findCaller(metadata, { orgId, userId: id })).toBeUndefined();
    await expect(async () => findCaller(metadata, { orgId: id, userId })).rejects.toThrow(ValidationFailedError);
  }
});

test('a user invited to a second organization keeps one account, whatever the case of the e-mail', async () => {
  const { adminUserId } = await provisionOrganization(context, {
    name: 'Second',
    placement: 'schema',
    cluster: 'main',
    admin: { email: 'ADA@example.org' },
  });
  expect(adminUserId).toBe(userId);
});

test('a disabled user and a suspended organization are refused by name', async () => {
  const disabled = await join('standard');
  await inAllOrganizations(metadata, (tx) =>
    tx.updateTable('users').set({ enabled: false }).where('user_id', '=', disabled).execute(),
  );
  await expect(findCaller(metadata, { orgId, userId: disabled })).rejects.toThrow(UserDisabledError);
  await inAllOrganizations(metadata, (tx) =>
    tx.updateTable('organizations').set({ status: 'suspended' }).where('org_id', '=', orgId).execute(),
  );
  await expect(findCaller(metadata, { orgId, userId })).rejects.toThrow(OrganizationInactiveError);
});

test('every seeded permission is one that exists', () => {
  const known = new Set<string>(PERMISSIONS);
  for (const permission of Object.values(SEEDED_ROLES).flat()) expect(known).toContain(permission.replace(/:own$/, ''));
});
