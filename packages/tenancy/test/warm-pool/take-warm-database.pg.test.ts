import { findOrgDatabase, inAllOrganizations, type Placement, resultsTrack } from '@mad/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createResultsDatabases, drainWarmPool, fillWarmPool, provisionOrganization } from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
beforeEach(async () => {
  platform = await createPostgresPlatform();
  await fillWarmPool(platform, { cluster: 'main', size: 1 });
});
afterEach(async () => {
  await drainWarmPool(platform, { cluster: 'main', all: true });
  await platform[Symbol.asyncDispose]();
});

const listRows = () =>
  inAllOrganizations(platform.metadata, (tx) => tx.selectFrom('warm_databases').selectAll().execute());
const provision = (placement: Placement) =>
  provisionOrganization(platform, { name: `In a ${placement}`, placement, cluster: 'main' });

test('an organization that is to have a schema takes none', async () => {
  const { orgId } = await provision('schema');
  expect(await listRows()).toMatchObject([{ state: 'ready' }]);
  await using databases = createResultsDatabases(platform);
  const results = await databases.get(orgId);
  expect(await results.selectFrom('results_database').selectAll().execute()).toMatchObject([{ org_id: orgId }]);
});

test('the version of a database that was taken is known', async () => {
  const { orgId } = await provision('database');
  expect(await listRows()).toEqual([]);
  const row = await inAllOrganizations(platform.metadata, (tx) => findOrgDatabase(tx, { orgId }));
  expect(row).toMatchObject({ state: 'ready', schema_version: Object.keys(resultsTrack.migrations).sort().at(-1) });
});
