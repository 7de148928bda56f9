import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connectPostgres,
  createLocalArtifactStore,
  formatArtifactUri,
  inAllOrganizations,
  inOrganization,
  insertPipeline,
  insertPipelineVersion,
  listJobsMeta,
  type MetadataDatabase,
  migrateMetadata,
  newId,
  type Placement,
  updateOrganization,
} from '@mad/core';
import { type Clusters, createResultsDatabases, provisionOrganization } from '@mad/tenancy';
import { createPostgresDatabase, type TestDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mad } from '../mad-process.ts';

let database: TestDatabase<unknown>;
let metadata: MetadataDatabase;
let clusters: Clusters;
beforeAll(async () => {
  database = await createPostgresDatabase();
  await migrateMetadata(database.db);
  metadata = database.db as unknown as MetadataDatabase;
  const connect = (name?: string) => ({
    connectionString: name === undefined ? database.url : database.url.replace(/mad_test_\w+/, name),
  });
  clusters = { main: { kind: 'postgres', connect } };
});
afterAll(async () => {
  const made = await inAllOrganizations(metadata, (tx) =>
    tx.selectFrom('org_databases').select('database_name').execute(),
  );
  for (const { database_name } of made)
    if (database_name) await sql`drop database if exists ${sql.id(database_name)} with (force)`.execute(database.db);
  await database[Symbol.asyncDispose]();
});

/** An organization with one job that ended long ago and was never mirrored, and whose output is that digest. */
async function prepare(placement: Placement, digest?: string): Promise<{ orgId: string; jobId: string }> {
  const { orgId } = await provisionOrganization(
    { metadata, clusters },
    { name: `org ${newId()}`, placement, cluster: 'main' },
  );
  const pipeline = await inOrganization(metadata, orgId, async (tx) => {
    const { pipeline_id } = await insertPipeline(tx, { name: 'docking' });
    const version = { pipeline_id, version: '1.0.0', spec: {} };
    return { pipeline_id, pipeline_version_id: (await insertPipelineVersion(tx, version)).pipeline_version_id };
  });
  await using router = createResultsDatabases({ metadata, clusters });
  const results = await router.get(orgId);
  const jobId = newId();
  const [created_at, updated_at] = [new Date(0), new Date(0)];
  await results
    .insertInto('jobs')
    .values({
      job_id: jobId,
      pipeline_version: 'docking@1.0.0',
      status: 'COMPLETED',
      ...pipeline,
      created_at,
      updated_at,
    })
    .execute();
  if (digest)
    await results
      .insertInto('job_outputs')
      .values({ job_id: jobId, key: 'poses', uri: formatArtifactUri({ orgId, digest }) })
      .execute();
  return { orgId, jobId };
}

const doctor = (...args: string[]) =>
  mad(['doctor', '--url', database.url, '--cluster', `main=${database.url}`, ...args]);

test.each(['database', 'schema'] as const)(
  'a job that was never mirrored is shown, mended and gone, where organizations are placed by %s',
  async (placement) => {
    const { orgId, jobId } = await prepare(placement);
    const shown = await doctor('--org', orgId);
    expect(shown).toMatchObject({ code: 1, err: 'mad: 1 finding is left; --fix mends it\n' });
    const [head, row, end] = shown.out.split('\n');
    expect(head).toMatch(/^organization +job +finding +state +found +remedy$/);
    expect(row).toContain(
      `${orgId}  ${jobId}  mirror_missing  fixable  COMPLETED, and not in jobs_meta  mirror it again`,
    );
    expect(end).toBe('looked at 1 job of 1 organization, 1 finding, 0 fixed');
    expect((await inOrganization(metadata, orgId, (tx) => listJobsMeta(tx))).items).toEqual([]);

    const mended = await doctor('--org', orgId, '--fix', '--json');
    expect(mended).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(mended.out)).toEqual({
      dry_run: false,
      organizations: 1,
      jobs: 1,
      findings: [expect.objectContaining({ kind: 'mirror_missing', org_id: orgId, job_id: jobId, outcome: 'fixed' })],
      orphans: [],
    });
    const { items } = await inOrganization(metadata, orgId, (tx) => listJobsMeta(tx));
    expect(items).toEqual([expect.objectContaining({ job_id: jobId, status: 'COMPLETED' })]);

    const again = await doctor('--org', orgId);
    expect(again).toEqual({ code: 0, out: 'looked at 1 job of 1 organization, nothing found\n', err: '' });
  },
);

test('a file that nobody can bring back stays a finding, and the exit code says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mad-doctor-'));
  try {
    const { orgId, jobId } = await prepare('schema', 'f'.repeat(64));
    const other = await prepare('schema', createHash('sha256').update('poses').digest('hex'));
    await createLocalArtifactStore({ folder }).put(other.orgId, 'poses');
    const run = await doctor('--org', orgId, '--fix', '--json', '--artifacts', folder);
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining('1 finding is left') });
    const { findings } = JSON.parse(run.out) as { findings: { kind: string; job_id: string; outcome: string }[] };
    expect(findings.map(({ kind, job_id, outcome }) => [kind, job_id, outcome])).toEqual([
      ['mirror_missing', jobId, 'fixed'],
      ['artifact_missing', jobId, 'left'],
    ]);
    expect(await doctor('--org', other.orgId, '--fix', '--artifacts', folder)).toMatchObject({ code: 0, err: '' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([
  ['none', {}],
  ['only other', { MAD_CLUSTERS: 'other=postgresql://u:hush@h/d' }],
])('a cluster that was not passed is a wrong call that names it, not a finding: %s', async (passed, env) => {
  const { orgId } = await prepare('schema');
  for (const args of [[], ['--org', orgId]]) {
    const run = await mad(['doctor', ...args], { MAD_DATABASE_URL: database.url, ...env });
    expect(run).toEqual({
      code: 2,
      out: '',
      err: `mad: --cluster: expected main=url here or in MAD_CLUSTERS, since org_databases names it, got ${passed}\n`,
    });
  }
});

test('an organization that is not there is a wrong call that names it, not a finding', async () => {
  const run = await doctor('--org', '01890a5d-ac96-774b-bcce-b302099a8057');
  expect(run).toEqual({
    code: 2,
    out: '',
    err: 'mad: --org: expected the uuid or the name of an organization in the Metadata DB, got "01890a5d-ac96-774b-bcce-b302099a8057", which was not found there\n',
  });
});

test('a cluster that only others need may be left out', async () => {
  const { orgId } = await provisionOrganization(
    { metadata, clusters: { spare: { kind: 'postgres', connect: () => ({ connectionString: database.url }) } } },
    { name: `org ${newId()}`, placement: 'schema', cluster: 'spare' },
  );
  const run = await mad(['doctor', '--url', database.url, '--cluster', `spare=${database.url}`, '--org', orgId]);
  expect(run).toMatchObject({ code: 0, err: '' });
  const set = { status: 'suspended' } as const;
  await inAllOrganizations(metadata, (tx) => updateOrganization(tx, { orgId, set }));
});

test('what is on a cluster and nobody knows, and what a row knows and is gone, are findings with the next step', async () => {
  await using own = await openOwnCluster();
  const { orgId } = await provisionOrganization(
    { metadata, clusters: own.clusters },
    { name: `org ${newId()}`, placement: 'schema', cluster: 'own' },
  );
  const look = (...args: string[]) =>
    mad(['doctor', '--url', database.url, '--cluster', `main=${database.url}`, `own=${own.url}`, ...args]);
  const gone = `mad_results_${orgId.replaceAll('-', '')}`;
  const [stray, lost] = [newId(), newId()].map((id) => `mad_results_${id.replaceAll('-', '')}`);
  for (const statement of [`drop schema ${gone} cascade`, `create schema ${stray}`, `create database ${lost}`])
    await own.run(statement);

  const found = await look();
  expect(found.code).toBe(1);
  const lines = found.out.split('\n');
  expect(lines.find((line) => line.includes(gone))).toMatch(
    new RegExp(`^own +${gone} +${orgId} +schema_missing +its row says .* +restore it from a backup$`),
  );
  expect(lines.find((line) => line.includes(`${stray} `))).toMatch(
    new RegExp(`^own +${stray} +- +schema_unknown +made by this login.*DROP SCHEMA "${stray}" CASCADE$`),
  );
  expect(lines.find((line) => line.includes(`${lost} `))).toMatch(/^own .* database_unknown .*DROP DATABASE "mad_/);

  const ofOne = await look('--org', orgId, '--json', '--fix');
  expect(ofOne).toMatchObject({ code: 1, err: expect.stringMatching(/"\d findings? (is|are) left"/) });
  expect(JSON.parse(ofOne.out).orphans).toEqual([
    expect.objectContaining({ kind: 'schema_missing', cluster: 'own', name: gone, org_id: orgId }),
  ]);
  const set = { status: 'suspended' } as const;
  await inAllOrganizations(metadata, (tx) => updateOrganization(tx, { orgId, set }));
});

test('a cluster that cannot be looked at is a finding, and the others are looked at', async () => {
  const { orgId } = await prepare('schema');
  const run = await doctor('nowhere=postgresql://u:hush@127.0.0.1:1/d', '--json');
  expect(run.code).toBe(1);
  expect(run.out).not.toContain('hush');
  const { orphans, findings } = JSON.parse(run.out);
  expect(orphans).toContainEqual(
    expect.objectContaining({ kind: 'cluster_unreachable', cluster: 'nowhere', name: null, org_id: null }),
  );
  expect(findings).toContainEqual(expect.objectContaining({ org_id: orgId, kind: 'mirror_missing' }));
});

/** The test's database as a cluster, under a login of its own: what others make on the server is not its. */
async function openOwnCluster() {
  const login = `mad_doctor_${newId().replaceAll('-', '')}`;
  const name = new URL(database.url).pathname.slice(1);
  await sql`create role ${sql.id(login)} login createdb password 'hush'`.execute(database.db);
  await sql`grant create on database ${sql.id(name)} to ${sql.id(login)}`.execute(database.db);
  const url = new URL(database.url);
  Object.assign(url, { username: login, password: 'hush' });
  const clusters: Clusters = { own: { kind: 'postgres', connect: () => ({ connectionString: url.href }) } };
  const db = connectPostgres({ connectionString: url.href, max: 1 });
  return {
    ...{ clusters, url: url.href },
    run: (statement: string) => sql.raw(statement).execute(db),
    async [Symbol.asyncDispose]() {
      const { rows } = await sql<{ datname: string }>`
        select datname from pg_database where datdba = current_user::regrole`.execute(db);
      for (const { datname } of rows) await sql`drop database ${sql.id(datname)}`.execute(db);
      await sql`drop owned by current_user cascade`.execute(db);
      await db.destroy();
      await sql`drop owned by ${sql.id(login)}`.execute(database.db);
      await sql`drop role ${sql.id(login)}`.execute(database.db);
    },
  };
}

test('a database without migrations is one line with the next step', async () => {
  await using empty = await createPostgresDatabase();
  const run = await mad(['doctor', '--url', empty.url]);
  expect(run).toMatchObject({ code: 1, out: '' });
  expect(run.err).toMatch(/^mad: [^\n]*run the metadata migrations [^\n]*: mad migrate metadata --url[^\n]*\n$/);
});
