import { inAllOrganizations, OrganizationInactiveError, updateOrganization } from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey, defineRole, inviteMember } from '../../src/index.ts';
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
