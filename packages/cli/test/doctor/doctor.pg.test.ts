import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
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
  const { orgId } = await provisionOrganization({ metadata, clusters }, { name: newId(), placement, cluster: 'main' });
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
    expect(run).toMatchObject({ code: 1, err: 'mad: 1 finding is left\n' });
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
  for (const args of [[], ['--org', orgId, '--json']]) {
    const run = await mad(['doctor', ...args], { MAD_DATABASE_URL: database.url, ...env });
    expect(run).toEqual({
      code: 2,
      out: '',
      err: `mad: --cluster: expected main=url here or in MAD_CLUSTERS, since org_databases names it, got ${passed}\n`,
    });
  }
});

test('an organization that is not there is a wrong call that names it, not a finding', async () => {
  const run = await doctor('--org', '01890a5d-ac96-774b-bcce-b302099a8057', '--json');
  expect(run).toEqual({
    code: 2,
    out: '',
    err: 'mad: --org: expected an org_id of the table organizations in the Metadata DB, got 01890a5d-ac96-774b-bcce-b302099a8057, which was not found there\n',
  });
});

test('a cluster that only others need may be left out', async () => {
  const { orgId } = await provisionOrganization(
    { metadata, clusters: { spare: { kind: 'postgres', connect: () => ({ connectionString: database.url }) } } },
    { name: newId(), placement: 'schema', cluster: 'spare' },
  );
  const run = await mad(['doctor', '--url', database.url, '--cluster', `spare=${database.url}`, '--org', orgId]);
  expect(run).toMatchObject({ code: 0, err: '' });
  const set = { status: 'suspended' } as const;
  await inAllOrganizations(metadata, (tx) => updateOrganization(tx, { orgId, set }));
});

test('a database without migrations is one line with the next step', async () => {
  await using empty = await createPostgresDatabase();
  const run = await mad(['doctor', '--url', empty.url]);
  expect(run).toMatchObject({ code: 1, out: '' });
  expect(run.err).toMatch(/^mad: [^\n]*run the metadata migrations[^\n]*\n$/);
});
