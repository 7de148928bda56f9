import { createPgliteDatabase, createPostgresDatabase, startPostgresServer } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { MigrationFailedError } from '../../src/errors.ts';
import { metadataTrack, migrateMetadata } from '../../src/metadata/metadata-track.ts';
import { migrationSql, migrationState } from '../../src/postgres/migrate.ts';
import { metadataTemplate, openAs } from './each-database.ts';

const ALL = Object.keys(metadataTrack.migrations);

test('migrating applies every migration once; again, and four times at once, there is nothing left to do', async () => {
  await using database = await createPostgresDatabase();
  const runs = await Promise.all([1, 2, 3, 4].map(() => migrateMetadata(database.db)));
  expect(runs.filter((applied) => applied.length > 0)).toEqual([ALL]);
  expect(await migrateMetadata(database.db)).toEqual([]);
  expect(await migrationState(database.db, { track: metadataTrack })).toEqual({ applied: ALL, pending: [] });
});

test('several databases of a new cluster migrate at once, though roles are one for all of them', async () => {
  await using server = await startPostgresServer();
  await using stack = new AsyncDisposableStack();
  const admin = stack.adopt(openAs(server.url(), 'postgres'), (db) => db.destroy());
  await sql`create role one login createrole`.execute(admin);
  await sql`create role two login createrole`.execute(admin);
  const owners = ['one', 'one', 'two', 'two'];
  const databases = [];
  for (const [index, owner] of owners.entries()) {
    await sql`create database ${sql.id(`metadata_${index}`)} owner ${sql.id(owner)}`.execute(admin);
    databases.push(stack.adopt(openAs(server.url(`metadata_${index}`), owner), (db) => db.destroy()));
  }
  expect(
    await Promise.all(
      databases
        .flatMap((db) => [migrateMetadata(db), migrateMetadata(db)])
        .map((run) => run.then((applied) => applied.length)),
    ),
  ).toSatisfy((lengths: number[]) => lengths.filter((length) => length === ALL.length).length === owners.length);
  const { rows } =
    await sql`select rolname, rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname like 'mad\\_%' order by 1`.execute(
      admin,
    );
  expect(rows).toEqual(
    ['mad_operator', 'mad_organization'].map((rolname) => ({
      rolname,
      rolsuper: false,
      rolbypassrls: false,
      rolcanlogin: false,
    })),
  );
});

test('a login that may not create the roles is told what a superuser has to run', async () => {
  await using server = await startPostgresServer();
  await using stack = new AsyncDisposableStack();
  const admin = stack.adopt(openAs(server.url(), 'postgres'), (db) => db.destroy());
  await sql`create role plain login`.execute(admin);
  await sql`create database metadata owner plain`.execute(admin);
  const db = stack.adopt(openAs(server.url('metadata'), 'plain'), (handle) => handle.destroy());
  const failure = await migrateMetadata(db).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(MigrationFailedError);
  expect((failure as Error).message).toContain('CREATE ROLE mad_organization NOLOGIN; GRANT mad_organization TO plain');
  await sql`create role mad_organization nologin`.execute(admin);
  await sql`create role mad_operator nologin`.execute(admin);
  expect(await migrateMetadata(db)).toEqual(ALL);
});

test('a role of that name that bypasses row-level security is refused', async () => {
  await using server = await startPostgresServer();
  await using stack = new AsyncDisposableStack();
  const db = stack.adopt(openAs(server.url(), 'postgres'), (handle) => handle.destroy());
  await sql`create role mad_organization nologin bypassrls`.execute(db);
  await expect(migrateMetadata(db)).rejects.toThrow(/ALTER ROLE mad_organization NOSUPERUSER NOBYPASSRLS/);
});

test('the printed SQL makes the same database as the migrations', async () => {
  await using migrated = await createPostgresDatabase(metadataTemplate);
  await using printed = await createPostgresDatabase();
  for (const statement of await migrationSql({ track: metadataTrack }, ALL))
    await sql.raw(statement.replace(/^set local /, 'set ')).execute(printed.db);
  expect(await describeSchema(printed.db)).toEqual(await describeSchema(migrated.db as unknown as Kysely<unknown>));
});

test('a database that already runs the proposal is taken up with its rows', async () => {
  await using database = await createPostgresDatabase();
  const { db } = database;
  for (const statement of await migrationSql({ track: metadataTrack }, ['0001_proposal']))
    await sql.raw(statement.replace(/^set local /, 'set ')).execute(db);
  await sql`insert into organizations (name) values ('Acme')`.execute(db);
  await sql`insert into task_definitions (org_id, task_id, interface_spec) select org_id, 'dock', '{}' from organizations`.execute(
    db,
  );
  expect(await migrateMetadata(db)).toEqual(ALL.slice(1));
  const { rows } =
    await sql`select name, status, task_id, version from task_definitions join organizations using (org_id)`.execute(
      db,
    );
  expect(rows).toEqual([{ name: 'Acme', status: 'active', task_id: 'dock', version: '1.0.0' }]);
});

test('the tables live in any schema, and triggers find each other there whatever the search path of the caller', async () => {
  await using database = createPgliteDatabase();
  expect(await migrateMetadata(database.db, { schema: 'registry' })).toEqual(ALL);
  await sql`insert into registry.users (email, hashed_password) values ('a@example.org', '!')`.execute(database.db);
  await sql`insert into registry.audit_logs (user_id, action, entity_type) select user_id, 'login', 'user' from registry.users`.execute(
    database.db,
  );
  const { rows } = await sql`select metadata->'actor'->>'email' as email from registry.audit_logs`.execute(database.db);
  expect(rows).toEqual([{ email: 'a@example.org' }]);
});

/** Columns, constraints, indexes, triggers, policies and grants, as text. */
async function describeSchema(db: Kysely<unknown>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    select format('%s.%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) as line
      from pg_attribute join pg_class on pg_class.oid = attrelid left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where relnamespace = 'public'::regnamespace and attnum > 0 and relkind = 'r'
    union all select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'public'::regnamespace
    union all select indexdef from pg_indexes where schemaname = 'public'
    union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace and proname like 'mad%'
    union all select format('%s %s %s %s %s', tablename, policyname, roles, qual, with_check) from pg_policies
    union all select format('%s %s %s %s', relname, relrowsecurity, relforcerowsecurity, relacl) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    order by line`.execute(db);
  return rows.map(({ line }) => line);
}
