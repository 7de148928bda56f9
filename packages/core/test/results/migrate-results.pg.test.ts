import { randomBytes } from 'node:crypto';
import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { ResultsDatabaseMismatchError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { metadataTrack, migrateMetadata } from '../../src/metadata/metadata-track.ts';
import { migrate, migrationSql, migrationState } from '../../src/postgres/migrate.ts';
import { insertJobs } from '../../src/results/insert-jobs.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import { checkResultsStamp } from '../../src/results/results-stamp.ts';
import { migrateResults, resultsTrack } from '../../src/results/results-track.ts';
import { connectPool } from './connect-pool.ts';
import { insertTestJob } from './each-database.ts';
import { claim } from './transitions.ts';

const ALL = Object.keys(resultsTrack.migrations);

test('a second run finds nothing to do, and the stamp is checked each time', async () => {
  await using database = createPgliteDatabase();
  const orgId = newId();
  expect(await migrateResults(database.db, { orgId })).toEqual(ALL);
  expect(await migrateResults(database.db, { orgId })).toEqual([]);
  expect(await migrateResults(database.db)).toEqual([]);
  await checkResultsStamp(openResultsDatabase(database.db, { schema: 'public' }), { orgId });
  await expect(migrateResults(database.db, { orgId: newId() })).rejects.toThrow(ResultsDatabaseMismatchError);
});

test('the database of another organization is refused before anything is migrated', async () => {
  await using database = await createPostgresDatabase();
  await migrateResults(database.db, { orgId: newId() });
  await sql`delete from mad_results_migrations where name = '0005_cache'`.execute(database.db);
  await expect(migrateResults(database.db, { orgId: newId() })).rejects.toThrow(ResultsDatabaseMismatchError);
  expect((await migrationState(database.db, { track: resultsTrack })).pending).toEqual(['0005_cache']);
});

test('eight at once in two schemas of one database: each migration runs once in each, and each schema gets its own stamp', async () => {
  await using database = await createPostgresDatabase();
  const orgs = { org_a: newId(), org_b: newId() };
  const runs = Array.from({ length: 4 }, () => Object.entries(orgs)).flat();
  const applied = await Promise.all(
    runs.map(([schema, orgId]) => migrateResults(database.db, { schema, orgId, lockTimeoutMs: 30_000 })),
  );
  expect(applied.filter((names) => names.length > 0)).toEqual([ALL, ALL]);
  for (const [schema, orgId] of Object.entries(orgs))
    await checkResultsStamp(openResultsDatabase(database.db, { schema }), { orgId });
  const { rows } = await sql<{
    schema: string;
  }>`select nspname as schema from pg_type t join pg_namespace n on n.oid = typnamespace
    where typname = 'job_status' order by 1`.execute(database.db);
  expect(rows).toEqual([{ schema: 'org_a' }, { schema: 'org_b' }]);
});

test('a schema may have any name', async () => {
  await using database = await createPostgresDatabase();
  const schema = `Org "A"; drop table jobs --'`;
  await migrateResults(database.db, { schema });
  const results = openResultsDatabase(database.db, { schema });
  expect(await results.selectFrom('jobs').selectAll().execute()).toEqual([]);
});

test('a database that ran the proposal before is adopted with its rows, and its numbering goes on', async () => {
  await using database = await createPostgresDatabase();
  for (const statement of proposalStatements(await migrationSql({ track: resultsTrack }, ['0001_proposal']))) {
    await sql.raw(statement).execute(database.db);
  }
  const jobId = newId();
  await sql`insert into jobs (job_id, pipeline_version) values (${jobId}, 'dock')`.execute(database.db);
  await sql`insert into job_events (job_id, seq_no, event) select ${jobId}, n, 'X' from generate_series(1, 3) n`.execute(
    database.db,
  );
  await sql`insert into task_logs (job_id, line_no, message) values (${jobId}, 7, 'x')`.execute(database.db);
  await sql`insert into result_cache (cache_key, pipeline_version, task_name, canonical_job_id) values ('kept', '', '*', ${jobId}), ('orphan', '', '*', ${newId()})`.execute(
    database.db,
  );
  expect(await migrateResults(database.db)).toEqual(ALL);
  const results = openResultsDatabase(database.db, { schema: 'public' });
  const job = await results
    .selectFrom('jobs')
    .select(['last_event_seq', 'last_log_line', 'fence'])
    .executeTakeFirstOrThrow();
  expect(Object.values(job).map(Number)).toEqual([3, 7, 0]);
  expect(await results.selectFrom('result_cache').select('cache_key').execute()).toEqual([{ cache_key: 'kept' }]);
});

test('an ordinary role that owns its database migrates and works, and leaves no extension', async () => {
  await using database = await createPostgresDatabase();
  const role = await createRole();
  await sql`alter database ${sql.id(databaseOf(database.url))} owner to ${sql.id(role)}`.execute(database.db);
  await using own = connectAs(database.url, role);
  await migrateResults(own.db, { orgId: newId() });
  await submitAndClaim(own.db, 'public');
  const { rows } = await sql<{
    name: string;
  }>`select extname as name from pg_extension where extname not in ('plpgsql', 'citext')`.execute(own.db);
  expect(rows).toEqual([]);
});

test('an ordinary role works in the one schema it owns and cannot see another organization’s', async () => {
  await using database = await createPostgresDatabase();
  const role = await createRole();
  await migrateResults(database.db, { schema: 'org_other' });
  await insertTestJob(openResultsDatabase(database.db, { schema: 'org_other' }));
  await sql`create schema org_own authorization ${sql.id(role)}`.execute(database.db);
  await using own = connectAs(database.url, role);
  await migrateResults(own.db, { schema: 'org_own', orgId: newId() });
  await submitAndClaim(own.db, 'org_own');
  const other = openResultsDatabase(own.db, { schema: 'org_other' });
  await expect(other.selectFrom('jobs').selectAll().execute()).rejects.toMatchObject({ code: '42501' });
});

test.each(['metadata first', 'results first'])('both tracks may live in one schema, %s', async (order) => {
  await using database = await createPostgresDatabase();
  const migrations = [migrateMetadata, migrateResults] as const;
  for (const run of order === 'metadata first' ? migrations : migrations.toReversed()) await run(database.db);
  expect((await migrationState(database.db, { track: resultsTrack })).pending).toEqual([]);
  expect((await migrationState(database.db, { track: metadataTrack })).pending).toEqual([]);
  await submitAndClaim(database.db, 'public');
});

test('a dry run tells every statement and touches nothing', async () => {
  const statements = await migrationSql({ track: resultsTrack, schema: 'org_a' }, ALL);
  expect(statements.filter((statement) => statement.startsWith('CREATE TABLE'))).toHaveLength(16);
  await using database = await createPostgresDatabase();
  expect(await migrationState(database.db, { track: resultsTrack, schema: 'org_a' })).toEqual({
    applied: [],
    pending: ALL,
  });
  expect(await migrate(database.db, { track: resultsTrack, schema: 'org_a' })).toEqual(ALL);
});

/** The proposal as somebody would have run it by hand. */
const proposalStatements = (statements: readonly string[]) =>
  statements.filter((statement) => /^(CREATE|DO) /.test(statement));

async function submitAndClaim(db: Kysely<unknown>, schema: string): Promise<void> {
  const results = openResultsDatabase(db, { schema });
  const jobId = newId();
  const job = { job_id: jobId, pipeline_version: 'dock@1.0.0' };
  const inputs = [{ key: 'ligand', uri: 'mad://l' }];
  await insertJobs(results, { jobs: [{ job, inputs, events: [{ event: 'QUEUED' }] }] });
  expect(await claim(results, jobId)).toBe(true);
}

/** A login role without any privilege of its own; roles belong to the server, so it outlives the test's database by a moment. */
async function createRole(): Promise<string> {
  const role = `mad_test_${randomBytes(6).toString('hex')}`;
  await asAdmin(`create role ${role} login password 'test' nosuperuser nocreatedb nocreaterole`);
  onTestFinished(() => asAdmin(`drop role ${role}`));
  return role;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: process.env.MAD_TEST_DATABASE_URL });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

const connectAs = (url: string, role: string) =>
  connectPool({ connectionString: url.replace(/\/\/[^@]*@/, `//${role}:test@`), max: 2 });

const databaseOf = (url: string) => url.replace(/\?.*$/, '').replace(/^.*\//, '');
