import { inAllOrganizations, ValidationFailedError } from '@mad/core';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createResultsDatabases,
  drainWarmPool,
  fillWarmPool,
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
    tx.selectFrom('warm_databases').selectAll().orderBy('database_name').execute(),
  );
const isThere = async (name: string) =>
  (await sql`select from pg_database where datname = ${name}`.execute(platform.metadata)).rows.length === 1;
const provision = (name: string) => provisionOrganization(platform, { name, placement: 'database', cluster: 'main' });

test('a pool is filled up to its size, and organizations take from it until it is empty', async () => {
  expect(await fillWarmPool(platform, { cluster: 'main', size: 2 })).toEqual({ made: 2 });
  expect(await fillWarmPool(platform, { cluster: 'main', size: 2 })).toEqual({ made: 0 });
  const [first, second] = await listRows();
  expect([first, second]).toMatchObject([{ state: 'ready' }, { state: 'ready' }]);
  const made = [await provision('One'), await provision('Two'), await provision('Three')];
  expect(await listRows()).toEqual([]);
  expect([await isThere(first?.database_name ?? ''), await isThere(second?.database_name ?? '')]).toEqual([
    false,
    false,
  ]);
  await using databases = createResultsDatabases(platform);
  for (const { orgId } of made)
    expect(await (await databases.get(orgId)).selectFrom('jobs').select('job_id').execute()).toEqual([]);
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
  expect(await listRows()).toMatchObject([{ state: 'ready', database_name: old?.database_name }]);
  expect(await drainWarmPool(platform, { cluster: 'main' })).toEqual({ dropped: 1 });
  expect(await listRows()).toEqual([]);
  expect(await isThere(old?.database_name ?? '')).toBe(false);
});

test('what a killed call left half made or half dropped is dropped by the next one', async () => {
  await fillWarmPool(platform, { cluster: 'main', size: 2 });
  const before = await listRows();
  const leave = sql`update warm_databases set state = case database_name when ${before[0]?.database_name} then 'making' else 'dropping' end`;
  await inAllOrganizations(platform.metadata, (tx) => leave.execute(tx));
  expect(await fillWarmPool(platform, { cluster: 'main', size: 1 })).toEqual({ made: 1 });
  const after = await listRows();
  expect(after).toMatchObject([{ state: 'ready' }]);
  expect(before.map(({ database_name }) => database_name)).not.toContain(after[0]?.database_name);
  for (const { database_name } of before) expect(await isThere(database_name)).toBe(false);
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
