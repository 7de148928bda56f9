import { type Kysely, sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { SYSTEM_ORG_ID } from '../../src/ids.ts';
import {
  inAllOrganizations,
  inOrganization,
  type OrganizationTransaction,
} from '../../src/metadata/metadata-database.ts';
import type { MetadataTables } from '../../src/metadata/tables/metadata-tables.ts';
import { findSqlState, SQLSTATE } from '../../src/postgres/sqlstate.ts';
import { describeOnEachDatabase } from './each-database.ts';
import { fillOrganization, insertTestPipeline } from './fill-organization.ts';

type Filled = Awaited<ReturnType<typeof fillOrganization>>;

// Every table that an organization owns: the column that finds a row of it, and one that may be set to itself.
const OWNED: Record<
  Exclude<
    keyof MetadataTables,
    'users' | 'identities' | 'identity_providers' | 'sign_in_attempts' | 'fleet_migrations' | 'warm_databases'
  >,
  keyof Filled
> = {
  organizations: 'org_id',
  org_settings: 'org_id',
  org_databases: 'org_id',
  roles: 'role_id',
  role_permissions: 'role_id',
  memberships: 'org_id',
  membership_roles: 'org_id',
  tokens: 'token_id',
  audit_logs: 'audit_id',
  audit_chains: 'chain_id',
  task_definitions: 'task_definition_id',
  task_services: 'service_id',
  pipeline_templates: 'template_id',
  pipeline_task_steps: 'step_id',
  pipelines: 'pipeline_id',
  pipeline_versions: 'pipeline_version_id',
  molecules: 'molecule_id',
  artifacts: 'artifact_id',
  jobs_meta: 'job_id',
  admitted_jobs: 'job_id',
  job_schedules: 'schedule_id',
  invitations: 'invitation_id',
  fleet_migration_organizations: 'org_id',
};
const TABLES = Object.entries(OWNED);
const READ_ONLY = [
  'organizations',
  'org_databases',
  'audit_logs',
  'audit_chains',
  'admitted_jobs',
  'fleet_migration_organizations',
];

describeOnEachDatabase((db) => {
  let a: Filled;
  let b: Filled;
  beforeAll(async () => {
    a = await fillOrganization(db());
    b = await fillOrganization(db());
  });

  const asA = <T>(run: (tx: OrganizationTransaction) => Promise<T>): Promise<T> => inOrganization(db(), a.org_id, run);
  const count = async (tx: Kysely<never>, table: string, where = sql`true`): Promise<number> => {
    const { rows } = await sql<{
      n: number;
    }>`select count(*)::int as n from ${sql.table(table)} where ${where}`.execute(tx);
    return rows[0]?.n ?? -1;
  };
  const is = (column: string, value: string) => sql`${sql.ref(column)} = ${value}`;
  /** Rows touched, or the SQLSTATE with which the statement was refused. */
  const touch = (statement: ReturnType<typeof sql>): Promise<bigint | string | undefined> =>
    asA(async (tx) => (await statement.execute(tx)).numAffectedRows).catch((error: unknown) => findSqlState(error));

  test('the list of tables under test is the list of tables under row-level security', async () => {
    const { rows } = await sql<{
      name: string;
    }>`select relname as name from pg_class where relrowsecurity and relforcerowsecurity`.execute(db());
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(OWNED).sort());
  });

  test.each(TABLES)("%s: an organization sees its own row and not another's", async (table, column) => {
    const seen = await asA(async (tx) => [
      await count(tx as never, table, is(column, a[column])),
      await count(tx as never, table, is(column, b[column])),
    ]);
    expect(seen).toEqual([1, 0]);
  });

  test.each(TABLES)('%s: an operator sees the rows of both', async (table, column) => {
    const seen = await inAllOrganizations(db(), async (tx) => [
      await count(tx as never, table, is(column, a[column])),
      await count(tx as never, table, is(column, b[column])),
    ]);
    expect(seen).toEqual([1, 1]);
  });

  test.each(TABLES)('%s: an organization changes and deletes nothing of another', async (table, column) => {
    const refused = READ_ONLY.includes(table) ? SQLSTATE.insufficientPrivilege : 0n;
    expect(
      await touch(
        sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sql.ref(column)} where ${is(column, b[column])}`,
      ),
    ).toBe(refused);
    expect(await touch(sql`delete from ${sql.table(table)} where ${is(column, b[column])}`)).toBe(refused);
  });

  test.each(TABLES)('%s: an organization inserts no row for another', async (table, column) => {
    const row = await inAllOrganizations(db(), (tx) =>
      sql<{
        row: unknown;
      }>`select to_jsonb(t) as row from ${sql.table(table)} t where ${is(column, b[column])}`.execute(tx),
    );
    const copy = sql`insert into ${sql.table(table)} select * from jsonb_populate_record(null::${sql.table(table)}, ${JSON.stringify(row.rows[0]?.row)}::jsonb)`;
    expect([SQLSTATE.insufficientPrivilege, SQLSTATE.checkViolation]).toContain(await touch(copy));
  });

  test('an organization moves no row of its own to another', async () => {
    expect(await touch(sql`update molecules set org_id = ${b.org_id}`)).toBe(SQLSTATE.checkViolation);
    expect(await touch(sql`update tokens set org_id = ${b.org_id}`)).toSatisfy(
      (state) => state === SQLSTATE.insufficientPrivilege || state === SQLSTATE.checkViolation,
    );
  });

  test('users: an organization sees its members, without their password hash', async () => {
    const emails = await asA((tx) => tx.selectFrom('users').select('email').execute());
    expect(emails).toEqual([{ email: `${a.org_id}@example.org` }]);
    expect(await touch(sql`select hashed_password from users`)).toBe(SQLSTATE.insufficientPrivilege);
    expect(await touch(sql`select * from identities`)).toBe(SQLSTATE.insufficientPrivilege);
  });

  test('the root handle of an ordinary login sees nothing of any organization', async () => {
    const { rows } = await sql<{
      bypass: boolean;
    }>`select rolsuper or rolbypassrls as bypass from pg_roles where rolname = current_user`.execute(db());
    const expected = rows[0]?.bypass ? 1 : 0;
    for (const [table, column] of TABLES)
      expect([table, await count(db() as never, table, is(column, a[column]))]).toEqual([table, expected]);
  });

  test('nothing of the organization stays with the connection when its transaction ends', async () => {
    await asA((tx) => count(tx as never, 'molecules'));
    await expect(asA(() => Promise.reject(new RangeError('given up')))).rejects.toThrow(RangeError);
    const { rows } =
      await sql`select coalesce(current_setting('mad.org_id', true), '') as org, current_user = session_user as back`.execute(
        db(),
      );
    expect(rows).toEqual([{ org: '', back: true }]);
  });

  test("every organization reads the system's tasks and templates, and writes none of them", async () => {
    const system = await inOrganization(db(), SYSTEM_ORG_ID, async (tx) => {
      const task = await tx
        .insertInto('task_definitions')
        .values({ org_id: SYSTEM_ORG_ID, task_id: 'prepare', interface_spec: {} })
        .returningAll()
        .executeTakeFirstOrThrow();
      await tx
        .insertInto('task_services')
        .values({ task_definition_id: task.task_definition_id, service_url: 'http://system' })
        .execute();
      return task;
    });
    const id = system.task_definition_id;
    const seen = await asA(async (tx) => [
      await count(tx as never, 'task_definitions', is('task_definition_id', id)),
      await count(tx as never, 'task_services', is('task_definition_id', id)),
    ]);
    expect(seen).toEqual([1, 1]);
    expect(await touch(sql`update task_definitions set is_active = false where task_definition_id = ${id}`)).toBe(0n);
    expect(await touch(sql`update task_services set health_status = 'healthy' where task_definition_id = ${id}`)).toBe(
      0n,
    );
    expect(
      await touch(sql`insert into task_services (task_definition_id, service_url) values (${id}, 'http://mine')`),
    ).toBe(SQLSTATE.insufficientPrivilege);
  });

  test("of another's public pipeline an organization reads the published versions, and runs them", async () => {
    const shared = await inOrganization(db(), b.org_id, async (tx) => {
      const pipeline = await insertTestPipeline(tx, { name: 'shared', visibility: 'public' });
      await tx
        .insertInto('pipeline_versions')
        .values({ pipeline_id: pipeline.pipeline_id, version: '2.0.0', spec: {} })
        .execute();
      return pipeline;
    });
    const versions = await asA((tx) =>
      tx.selectFrom('pipeline_versions').select('version').where('pipeline_id', '=', shared.pipeline_id).execute(),
    );
    expect(versions).toEqual([{ version: '1.0.0' }]);
    expect(await touch(sql`update pipelines set name = 'mine' where pipeline_id = ${shared.pipeline_id}`)).toBe(0n);
    expect(
      await touch(sql`insert into jobs_meta (job_id, org_id, pipeline_id, pipeline_version_id)
      values (gen_random_uuid(), ${a.org_id}, ${shared.pipeline_id}, ${shared.pipeline_version_id})`),
    ).toBe(1n);
  });

  test("an organization's administrator cannot grant a global role, the operator can", async () => {
    const { role_id } = await inAllOrganizations(db(), (tx) =>
      tx.insertInto('roles').values({ org_id: null, name: 'root' }).returning('role_id').executeTakeFirstOrThrow(),
    );
    const grant = sql`insert into membership_roles (user_id, org_id, role_id) values (${a.user_id}, ${a.org_id}, ${role_id})`;
    expect(await touch(grant)).toBe(SQLSTATE.insufficientPrivilege);
    expect(await touch(sql`insert into role_permissions values (${role_id}, 'org.view')`)).toBe(
      SQLSTATE.insufficientPrivilege,
    );
    await inAllOrganizations(db(), (tx) => grant.execute(tx));
    expect(await asA((tx) => count(tx as never, 'membership_roles', is('role_id', role_id)))).toBe(1);
  });
});
