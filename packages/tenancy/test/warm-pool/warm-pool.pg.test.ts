import { ConflictError, inAllOrganizations, newId, ValidationFailedError } from '@mad/core';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Clusters,
  createResultsDatabases,
  drainWarmPool,
  fillWarmPool,
  findCaller,
  findOrphans,
  PlacementUnsupportedError,
  provisionOrganization,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
beforeEach(async () => {
  platform = await createPostgresPlatform();
});
afterEach(async () => {
  await drainWarmPool(platform, { cluster: 'main', all: true });
  await platform[Symbol.asyncDispose]();
});

const listRows = () =>
  inAllOrganizations(platform.metadata, (tx) =>
    tx.selectFrom('warm_databases').selectAll().orderBy('org_id').execute(),
  );
const nameOf = ({ org_id }: { readonly org_id: string }) => `mad_results_${org_id.replaceAll('-', '')}`;
const isThere = async (name: string) =>
  (await sql`select from pg_database where datname = ${name}`.execute(platform.metadata)).rows.length === 1;
const provision = (name: string) => provisionOrganization(platform, { name, placement: 'database', cluster: 'main' });

test('a pool is filled up to its size, and organizations take from it until it is empty', async () => {
  expect(await fillWarmPool(platform, { cluster: 'main', size: 2 })).toEqual({ made: 2 });
  expect(await fillWarmPool(platform, { cluster: 'main', size: 2 })).toEqual({ made: 0 });
  const ready = await listRows();
  expect(ready).toMatchObject([{ state: 'ready' }, { state: 'ready' }]);
  const made = [await provision('One'), await provision('Two'), await provision('Three')];
  expect(await listRows()).toEqual([]);
  const ids = made.map(({ orgId }) => orgId);
  expect(ids.slice(0, 2)).toEqual(ready.map(({ org_id }) => org_id));
  // Other tests' databases are of the same login.
  const own = ids.map((org_id) => nameOf({ org_id }));
  expect((await findOrphans(platform)).filter(({ name }) => own.includes(name))).toEqual([]);
  await using databases = createResultsDatabases(platform);
  for (const { orgId } of made)
    expect(await (await databases.get(orgId)).selectFrom('jobs').select('job_id').execute()).toEqual([]);
});

test('a database that another call drops while it is stamped is not handed out', async () => {
  const { main } = platform.clusters;
  const dropping = () =>
    inAllOrganizations(platform.metadata, (tx) =>
      tx.updateTable('warm_databases').set({ state: 'dropping' }).execute(),
    );
  const connect = async (database?: string) => {
    if (database?.startsWith('mad_results')) await dropping();
    return main?.kind === 'postgres' ? await main.connect(database) : {};
  };
  const clusters: Clusters = { main: { kind: 'postgres', connect } };
  await fillWarmPool({ ...platform, clusters }, { cluster: 'main', size: 1 });
  const [row] = await listRows();
  expect(row).toMatchObject({ state: 'dropping' });
  expect((await provision('Not from the pool')).orgId).not.toBe(row?.org_id);
});

test('no two organizations take one database', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 2 });
  const made = await Promise.all(['A', 'B', 'C', 'D'].map(provision));
  await using databases = createResultsDatabases(platform);
  for (const { orgId } of made) await databases.get(orgId);
  expect(await listRows()).toEqual([]);
});

test('a database of other migrations is not handed out, and is dropped when the pool is drained', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 1 });
  const [old] = await listRows();
  const outdate = sql`update warm_databases set schema_digest = 'of another version'`;
  await inAllOrganizations(platform.metadata, (tx) => outdate.execute(tx));
  await provision('Newer');
  expect(await listRows()).toMatchObject([{ state: 'ready', org_id: old?.org_id }]);
  expect(await drainWarmPool(platform, { cluster: 'main' })).toEqual({ dropped: 1 });
  expect(await listRows()).toEqual([]);
  expect(old && (await isThere(nameOf(old)))).toBe(false);
});

test('what a killed call left half made or half dropped is dropped by the next one', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 2 });
  const before = await listRows();
  const leave = sql`update warm_databases set state = case org_id when ${before[0]?.org_id} then 'making' else 'dropping' end`;
  await inAllOrganizations(platform.metadata, (tx) => leave.execute(tx));
  expect(await fillWarmPool(platform, { cluster: 'main', size: 1 })).toEqual({ made: 1 });
  const after = await listRows();
  expect(after).toMatchObject([{ state: 'ready' }]);
  expect(before.map(nameOf)).not.toContain(after.map(nameOf)[0]);
  for (const row of before) expect(await isThere(nameOf(row))).toBe(false);
});

test('a call with an id of its own takes none, and its database is stamped by who opens it first', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 1 });
  const orgId = newId();
  await provisionOrganization(platform, { name: 'Own id', orgId, placement: 'database', cluster: 'main' });
  expect(await listRows()).toMatchObject([{ state: 'ready' }]);
  await using databases = createResultsDatabases(platform);
  const results = await databases.get(orgId);
  expect(await results.selectFrom('results_database').selectAll().execute()).toMatchObject([{ org_id: orgId }]);
});

test('an organization that takes one is active with all it needs in one step, or is not there', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 1 });
  const steps: string[] = [];
  const request = { name: 'Warm', placement: 'database', cluster: 'main', admin: { email: 'a@example.org' } } as const;
  const onStep = (step: string, moment: string) => void steps.push(`${moment} ${step}`);
  const { orgId, adminUserId } = await provisionOrganization({ ...platform, onStep }, request);
  expect(steps).toEqual(['before record', 'after record']);
  const caller = await findCaller(platform.metadata, { orgId, userId: adminUserId ?? '' });
  expect(caller?.permissions.has('user.create')).toBe(true);
  await using databases = createResultsDatabases(platform);
  const results = await databases.get(orgId);
  expect(await results.selectFrom('results_database').selectAll().execute()).toMatchObject([{ org_id: orgId }]);
});

test('one that a hand has dropped is replaced by the next filling', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 2 });
  const [gone] = await listRows();
  await sql`drop database ${sql.id(gone ? nameOf(gone) : '')}`.execute(platform.metadata);
  expect(await fillWarmPool(platform, { cluster: 'main', size: 2 })).toEqual({ made: 1 });
  expect((await listRows()).map(({ org_id }) => org_id)).not.toContain(gone?.org_id);
});

test('a name that must be new is refused where an organization has it, whatever became of it', async () => {
  await provision('There');
  const request = { name: 'there', placement: 'schema', cluster: 'main', mustBeNew: true } as const;
  await expect(provisionOrganization(platform, request)).rejects.toThrow(ConflictError);
  await provisionOrganization(platform, { ...request, name: 'New' });
});

test('draining leaves what can be handed out, unless all is meant', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 1 });
  expect(await drainWarmPool(platform, { cluster: 'main' })).toEqual({ dropped: 0 });
  expect(await drainWarmPool(platform, { cluster: 'main', all: true })).toEqual({ dropped: 1 });
});

test('what cannot be filled is refused', async () => {
  await expect(fillWarmPool(platform, { cluster: 'main', size: 0 })).rejects.toThrow(ValidationFailedError);
  const clusters = { main: { kind: 'pglite', db: platform.metadata as never } } as const;
  await expect(fillWarmPool({ ...platform, clusters }, { cluster: 'main', size: 1 })).rejects.toThrow(
    PlacementUnsupportedError,
  );
});
