import { inAllOrganizations, newId, type OrgDatabaseRowUpdate, updateOrgDatabase } from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOrganizations, provisionOrganization } from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

test('each organization is found with what goes on with its Results DB, or was left there', async () => {
  const { orgId } = await provisionOrganization(platform, { name: 'Found', placement: 'schema', cluster: 'main' });
  const find = async (set: OrgDatabaseRowUpdate) => {
    await inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId, set }));
    return (await findOrganizations(platform, { status: 'active' })).items[0];
  };
  const other = { placement: 'database', cluster: 'large' } as const;
  const found = { orgId, name: 'Found', placement: 'schema', cluster: 'main', state: 'ready', transition: null };
  expect(await find({})).toMatchObject(found);
  const to = { other_placement: other.placement, other_cluster: other.cluster, transition_id: newId() };
  for (const [kind, state] of [
    ['move', 'moving'],
    ['move_back', 'moving'],
    ['move_drop', 'ready'],
  ] as const)
    expect(await find({ ...to, state, transition: kind })).toMatchObject({ state, transition: { kind, other } });
  const nowhere = { other_placement: null, other_cluster: null, state: 'ready', transition: 'offboard' } as const;
  expect(await find(nowhere)).toMatchObject({ ...found, transition: { kind: 'offboard', other: null } });
});
