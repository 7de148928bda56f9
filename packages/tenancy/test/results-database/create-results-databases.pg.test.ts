import { setTimeout } from 'node:timers/promises';
import {
  inAllOrganizations,
  NotFoundError,
  newId,
  OrganizationInactiveError,
  type Placement,
  ResultsDatabaseMismatchError,
} from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ClusterUnknownError,
  createResultsDatabases,
  type MoveStep,
  moveOrganization,
  provisionOrganization,
  type ResultsDatabasesOptions,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

const APPLICATION = `router-${process.pid}`;
let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform(APPLICATION);
});
afterAll(() => platform[Symbol.asyncDispose]());

let made = 0;
async function provision(placement: Placement): Promise<string> {
  const { orgId } = await provisionOrganization(platform, {
    name: `${placement} ${++made}`,
    placement,
    cluster: 'main',
  });
  return orgId;
}

const route = (options: Partial<ResultsDatabasesOptions> = {}) => createResultsDatabases({ ...platform, ...options });

const setStatus = (orgId: string, status: 'active' | 'suspended') =>
  inAllOrganizations(platform.metadata, (tx) =>
    tx.updateTable('organizations').set({ status }).where('org_id', '=', orgId).execute(),
  );

async function connections(): Promise<number> {
  const { rows } = await sql<{
    count: string;
  }>`select count(*) as count from pg_stat_activity where application_name = ${APPLICATION}`.execute(platform.metadata);
  return Number(rows[0]?.count);
}

/** Provisioning keeps its connection for a moment. */
const provisioningIsOver = () => expect.poll(connections, { timeout: 10_000 }).toBe(0);

test.each(['database', 'schema'] as const)('organizations placed by %s never see each other', async (placement) => {
  await using databases = route();
  const [one, two] = [await provision(placement), await provision(placement)];
  const [first, second] = [await databases.get(one), await databases.get(two)];
  const job = { job_id: newId(), pipeline_version: 'docking@1.0.0' };
  await first.insertInto('jobs').values(job).execute();
  expect(await first.selectFrom('jobs').select('job_id').execute()).toEqual([{ job_id: job.job_id }]);
  expect(await second.selectFrom('jobs').select('job_id').execute()).toEqual([]);
  await second.insertInto('jobs').values(job).execute();
  await second.deleteFrom('jobs').execute();
  expect(await first.selectFrom('jobs').select('job_id').execute()).toHaveLength(1);
});

test('ten organizations with databases of their own live on three connections', async () => {
  const orgIds: string[] = [];
  for (let i = 0; i < 10; i++) orgIds.push(await provision('database'));
  await provisioningIsOver();
  await using databases = route({ maxConnections: 3 });
  let most = 0;
  let watching = true;
  const watch = (async () => {
    while (watching) most = Math.max(most, await connections());
  })();
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const orgId = orgIds[i % 10] ?? '';
      const results = await databases.get(orgId);
      const { rows } = await sql<{
        org_id: string;
      }>`select org_id, pg_sleep(0.001) from ${sql.table('public.results_database')}`.execute(results);
      return rows[0]?.org_id === orgId;
    }),
  );
  watching = false;
  await watch;
  expect(answers.filter(Boolean)).toHaveLength(200);
  expect(most).toBeLessThanOrEqual(3);
  expect(most).toBeGreaterThan(0);
});

test('organizations in one database share its connections', async () => {
  const orgIds = [await provision('schema'), await provision('schema')];
  await provisioningIsOver();
  await using databases = route({ maxConnections: 1 });
  for (const orgId of orgIds) {
    const results = await databases.get(orgId);
    await results.selectFrom('jobs').select('job_id').execute();
  }
  expect(await connections()).toBe(1);
});

test('a database stamped for another organization is refused', async () => {
  const [owner, other] = [await provision('database'), await provision('database')];
  await inAllOrganizations(platform.metadata, async (tx) => {
    const { database_name } = await tx
      .selectFrom('org_databases')
      .select('database_name')
      .where('org_id', '=', owner)
      .executeTakeFirstOrThrow();
    await tx.deleteFrom('org_databases').where('org_id', '=', owner).execute();
    await tx.updateTable('org_databases').set({ database_name }).where('org_id', '=', other).execute();
  });
  await using databases = route();
  await expect(databases.get(other)).rejects.toThrow(ResultsDatabaseMismatchError);
  await expect(databases.get(owner)).rejects.toThrow(NotFoundError);
});

test('an organization that does not exist has no database', async () => {
  await using databases = route();
  await expect(databases.get(newId())).rejects.toThrow(NotFoundError);
});

test('a suspended organization is refused soon after, and served again once active', async () => {
  const orgId = await provision('schema');
  await using databases = route({ refreshMs: 30 });
  const results = await databases.get(orgId);
  await setStatus(orgId, 'suspended');
  await setTimeout(40);
  await expect(databases.get(orgId)).rejects.toThrow(OrganizationInactiveError);
  await setStatus(orgId, 'active');
  expect(await databases.get(orgId)).toBe(results);
});

test.each(['database', 'schema'] as const)(
  'a handle of a place that the organization has left says so: %s',
  async (placement) => {
    const orgId = await provision(placement);
    await using databases = route();
    const results = await databases.get(orgId);
    const insert = () =>
      results.insertInto('jobs').values({ job_id: newId(), pipeline_version: 'docking@1.0.0' }).execute();
    await insert();
    const refusals: unknown[] = [];
    const to = placement === 'database' ? 'schema' : 'database';
    const onStep = async (step: MoveStep) => {
      if (step === 'copy') refusals.push(await insert().catch((error: unknown) => error));
    };
    await moveOrganization(
      { ...platform, onStep },
      { orgId, to: { placement: to, cluster: 'main' }, actor: null, dropAfterMs: 0 },
    );
    refusals.push(await insert().catch((error: unknown) => error));
    expect(refusals).toMatchObject([
      { code: OrganizationInactiveError.code, retryable: true, details: { status: 'moving' } },
      { code: OrganizationInactiveError.code, retryable: true, details: { status: 'moved' } },
    ]);
    const moved = await databases.get(orgId);
    expect(await moved.selectFrom('jobs').select('job_id').execute()).toHaveLength(1);
  },
);

test('a cluster that the host did not pass is named', async () => {
  const orgId = await provision('schema');
  await using databases = route({
    clusters: { elsewhere: platform.clusters.main ?? { kind: 'postgres', connect: () => ({}) } },
  });
  await expect(databases.get(orgId)).rejects.toThrow(ClusterUnknownError);
});
