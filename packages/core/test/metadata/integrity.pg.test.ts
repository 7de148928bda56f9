import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { newId, SYSTEM_ORG_ID } from '../../src/ids.ts';
import { inAllOrganizations, inOrganization, type OperatorTransaction } from '../../src/metadata/metadata-database.ts';
import { deleteOrganization } from '../../src/metadata/organization.repository.ts';
import { deleteUser } from '../../src/metadata/user.repository.ts';
import { findSqlState } from '../../src/postgres/sqlstate.ts';
import { describeOnEachDatabase } from './each-database.ts';
import { fillOrganization, insertTestPipeline } from './fill-organization.ts';

type Filled = Awaited<ReturnType<typeof fillOrganization>>;
interface Statement {
  execute(tx: OperatorTransaction): Promise<unknown>;
}

describeOnEachDatabase((db) => {
  let a: Filled;
  let b: Filled;
  beforeAll(async () => {
    a = await fillOrganization(db());
    b = await fillOrganization(db());
  });

  /** Runs the statements in one transaction of the operator, whom no policy hides anything from; the constraint that refuses, or 'accepted'. */
  const verdict = (...statements: Statement[]): Promise<string> =>
    inAllOrganizations(db(), async (tx) => {
      for (const statement of statements) await statement.execute(tx);
      return 'accepted';
    }).catch((error: unknown) => {
      if (findSqlState(error) === undefined) throw error;
      return (error as { constraint?: string }).constraint ?? findSqlState(error) ?? '';
    });
  const operate = <T>(run: (tx: OperatorTransaction) => Promise<T>): Promise<T> => inAllOrganizations(db(), run);

  test('a member is granted roles of its own organization and global ones, not of another', async () => {
    const grant = (role: string) =>
      sql`insert into membership_roles (user_id, org_id, role_id) values (${a.user_id}, ${a.org_id}, ${role})`;
    const [own, global] = [newId(), newId()];
    const roles = sql`insert into roles (role_id, org_id, name) values (${own}, ${a.org_id}, ${own}), (${global}, null, ${global})`;
    expect(await verdict(roles, grant(own), grant(global))).toBe('accepted');
    expect(await verdict(grant(b.role_id))).toBe('membership_roles_role_of_organization');
    expect(await verdict(sql`update membership_roles set role_id = ${b.role_id} where org_id = ${a.org_id}`)).toBe(
      'membership_roles_role_of_organization',
    );
    expect(await verdict(sql`update roles set org_id = ${b.org_id} where role_id = ${own}`)).toBe(
      'organization_frozen',
    );
  });

  test('global roles have names of their own; organizations may share a name', async () => {
    const role = (org: string | null) => sql`insert into roles (org_id, name) values (${org}, 'auditor')`;
    expect(await verdict(role(null), role(a.org_id), role(b.org_id))).toBe('accepted');
    expect(await verdict(role(null))).toBe('roles_global_name_key');
  });

  test('a job names a version of its pipeline, and a pipeline its organization may run', async () => {
    const job = (
      pipeline: string,
      version: string,
    ) => sql`insert into jobs_meta (job_id, org_id, pipeline_id, pipeline_version_id)
      values (gen_random_uuid(), ${a.org_id}, ${pipeline}, ${version})`;
    const other = await inOrganization(db(), a.org_id, (tx) => insertTestPipeline(tx, { name: newId() }));
    expect(
      await verdict(job(a.pipeline_id, a.pipeline_version_id), job(other.pipeline_id, other.pipeline_version_id)),
    ).toBe('accepted');
    expect(await verdict(job(a.pipeline_id, other.pipeline_version_id))).toBe('jobs_meta_version_of_pipeline_fkey');
    expect(await verdict(job(b.pipeline_id, b.pipeline_version_id))).toBe('jobs_meta_pipeline_visible');
  });

  test('two jobs of an organization never share an idempotency key; of two organizations they may', async () => {
    const job = ({
      org_id,
      pipeline_id,
      pipeline_version_id,
    }: Filled) => sql`insert into jobs_meta (job_id, org_id, pipeline_id, pipeline_version_id, idempotency_key)
      values (gen_random_uuid(), ${org_id}, ${pipeline_id}, ${pipeline_version_id}, 'key')`;
    expect(await verdict(job(a), job(b))).toBe('accepted');
    expect(await verdict(job(a))).toBe('jobs_meta_idempotency_key');
  });

  test('a step uses tasks of its own organization and of the system, not of another', async () => {
    const task = await inOrganization(db(), SYSTEM_ORG_ID, (tx) =>
      tx
        .insertInto('task_definitions')
        .values({ org_id: SYSTEM_ORG_ID, task_id: newId(), interface_spec: {} })
        .returning('task_definition_id')
        .executeTakeFirstOrThrow(),
    );
    let order = 100;
    const step = (
      definition: string,
    ) => sql`insert into pipeline_task_steps (template_id, task_definition_id, step_name, step_order)
      values (${a.template_id}, ${definition}, ${newId()}, ${order++})`;
    expect(await verdict(step(a.task_definition_id), step(task.task_definition_id))).toBe('accepted');
    expect(await verdict(step(b.task_definition_id))).toBe('pipeline_task_steps_task_usable');
    expect(
      await verdict(
        sql`update pipeline_task_steps set task_definition_id = ${b.task_definition_id} where step_id = ${a.step_id}`,
      ),
    ).toBe('pipeline_task_steps_task_usable');
  });

  test('steps of a template have names, places and known dependencies of their own', async () => {
    const step = ({
      id = newId(),
      name = newId(),
      order = 0,
      needs = '[]',
    }) => sql`insert into pipeline_task_steps (step_id, template_id, task_definition_id, step_name, step_order, depends_on)
      values (${id}, ${a.template_id}, ${a.task_definition_id}, ${name}, ${order}, ${needs}::jsonb)`;
    const [first, second] = [newId(), newId()];
    expect(
      await verdict(
        step({ id: first, name: 'one', order: 11 }),
        step({ id: second, name: 'two', order: 12, needs: JSON.stringify([first]) }),
      ),
    ).toBe('accepted');
    expect(await verdict(step({ name: 'one', order: 13 }))).toBe('pipeline_task_steps_name_key');
    expect(await verdict(step({ order: 12 }))).toBe('pipeline_task_steps_order_key');
    expect(await verdict(step({ order: 13, needs: '{"a": 1}' }))).toBe('pipeline_task_steps_depends_on_check');
    expect(await verdict(step({ order: 13, needs: JSON.stringify([newId()]) }))).toBe(
      'pipeline_task_steps_depends_on_known',
    );
    expect(await verdict(step({ order: 13, needs: JSON.stringify([b.step_id]) }))).toBe(
      'pipeline_task_steps_depends_on_known',
    );
    expect(await verdict(sql`delete from pipeline_task_steps where step_id = ${first}`)).toBe(
      'pipeline_task_steps_depends_on_known',
    );
    expect(await verdict(sql`delete from pipeline_task_steps where step_id in (${first}, ${second})`)).toBe('accepted');
  });

  test('a published version is frozen; a draft is not, and a deprecation is noted', async () => {
    const draft = newId();
    const insert = sql`insert into pipeline_versions (pipeline_version_id, pipeline_id, version, spec) values (${draft}, ${a.pipeline_id}, '9.0.0', '{}')`;
    const edit = (id: string) =>
      sql`update pipeline_versions set spec = '{"tasks": [1]}' where pipeline_version_id = ${id}`;
    const remove = (id: string) => sql`delete from pipeline_versions where pipeline_version_id = ${id}`;
    const published = newId();
    const publish = sql`insert into pipeline_versions (pipeline_version_id, pipeline_id, version, spec, published) values (${published}, ${a.pipeline_id}, '8.0.0', '{}', true)`;
    expect(
      await verdict(
        insert,
        edit(draft),
        remove(draft),
        publish,
        sql`update pipeline_versions set deprecated_at = now() where pipeline_version_id = ${published}`,
      ),
    ).toBe('accepted');
    const frozen = 'pipeline_versions_frozen';
    expect(await verdict(edit(published))).toBe(frozen);
    expect(await verdict(remove(published))).toBe(frozen);
    expect(
      await verdict(sql`update pipeline_versions set published = false where pipeline_version_id = ${published}`),
    ).toBe(frozen);
    expect(
      await verdict(sql`update pipeline_versions set version = '8.0.1' where pipeline_version_id = ${published}`),
    ).toBe(frozen);
    expect(await verdict(sql`delete from pipelines where pipeline_id = ${b.pipeline_id}`)).toBe(frozen);
  });

  test('the interface of a task version is frozen; the rest of it is not', async () => {
    const set = (assignment: ReturnType<typeof sql>) =>
      sql`update task_definitions set ${assignment} where task_definition_id = ${a.task_definition_id}`;
    expect(
      await verdict(
        set(sql`is_active = false`),
        set(sql`interface_digest = 'aa'`),
        set(sql`service_config = '{"a": 1}'`),
        set(sql`determinism = 'seeded'`),
      ),
    ).toBe('accepted');
    expect(await verdict(set(sql`interface_spec = '{"openapi": "3.0.0"}'`))).toBe('task_definitions_frozen');
    expect(await verdict(set(sql`version = '1.0.1'`))).toBe('task_definitions_frozen');
    expect(await verdict(set(sql`interface_digest = 'bb'`))).toBe('task_definitions_frozen');
    expect(await verdict(set(sql`determinism = 'maybe'`))).toBe('task_definitions_determinism_check');
  });

  test('a version longer than twenty characters is kept whole', async () => {
    const version = '1.0.0-rc.1+build.20251122';
    expect(
      await verdict(
        sql`insert into task_definitions (org_id, task_id, version, interface_spec) values (${a.org_id}, 'long', ${version}, '{}')`,
      ),
    ).toBe('accepted');
    expect(
      await verdict(
        sql`insert into pipeline_templates (org_id, name, display_name, category, workflow_definition, version) values (${a.org_id}, 'long', 'l', 'c', '{}', ${version})`,
      ),
    ).toBe('accepted');
  });

  test.each([
    ['PENDING', 'RUNNING', 'accepted'],
    ['PENDING', 'COMPLETED', 'accepted'],
    ['PENDING', 'CANCELED', 'accepted'],
    ['RUNNING', 'PENDING', 'accepted'],
    ['RUNNING', 'FAILED', 'accepted'],
    ['COMPLETED', 'PENDING', 'jobs_meta_status_forward'],
    ['FAILED', 'RUNNING', 'jobs_meta_status_forward'],
    ['CANCELED', 'COMPLETED', 'jobs_meta_status_forward'],
  ])('the mirror of a job goes from %s to %s: %s', async (from, to, expected) => {
    const id = newId();
    const insert = sql`insert into jobs_meta (job_id, org_id, pipeline_id, pipeline_version_id, status)
      values (${id}, ${a.org_id}, ${a.pipeline_id}, ${a.pipeline_version_id}, ${from}::job_status)`;
    const move = sql`update jobs_meta set status = ${to}::job_status, event_no = event_no + 1 where job_id = ${id}`;
    expect(await verdict(insert, move)).toBe(expected);
  });

  test('the mirror of a job never goes back to an older fence, nor to PENDING without a newer one', async () => {
    const set = (assignment: ReturnType<typeof sql>) =>
      sql`update jobs_meta set ${assignment} where job_id = ${a.job_id}`;
    expect(
      await verdict(set(sql`fence = 2, event_no = 5, status = 'RUNNING'`), set(sql`fence = 3, event_no = 1`)),
    ).toBe('accepted');
    expect(await verdict(set(sql`fence = 2, event_no = 9`))).toBe('jobs_meta_forward_only');
    expect(await verdict(set(sql`event_no = 0`))).toBe('jobs_meta_forward_only');
    expect(await verdict(set(sql`status = 'PENDING'`))).toBe('jobs_meta_status_forward');
    expect(await verdict(set(sql`org_id = ${b.org_id}`))).toBe('organization_frozen');
  });

  test('an audit log is only added to, by no one and no statement otherwise', async () => {
    expect(
      await verdict(sql`insert into audit_logs (org_id, action, entity_type) values (${a.org_id}, 'login', 'user')`),
    ).toBe('accepted');
    // The operator lacks even the privilege; the tables' owner meets the trigger.
    expect(await verdict(sql`update audit_logs set action = 'x'`)).toBe('42501');
    expect(await verdict(sql`delete from audit_logs`)).toBe('42501');
    const asOwner = (statement: ReturnType<typeof sql>): Promise<unknown> =>
      db()
        .transaction()
        .execute(async (tx) => {
          await sql`alter table audit_logs disable row level security`.execute(tx);
          await statement.execute(tx);
        })
        .catch((error: { constraint?: string }) => error.constraint);
    expect(await asOwner(sql`update audit_logs set action = 'x'`)).toBe('audit_logs_append_only');
    expect(await asOwner(sql`update audit_logs set user_id = null`)).toBe('audit_logs_append_only');
    expect(await asOwner(sql`delete from audit_logs`)).toBe('audit_logs_append_only');
    expect(await asOwner(sql`truncate audit_logs`)).toBe('audit_logs_append_only');
  });

  test("an audit log keeps the actor's id and e-mail when the user is deleted", async () => {
    const { user_id, org_id, audit_id } = await fillOrganization(db());
    expect(await operate((tx) => deleteUser(tx, { userId: user_id }))).toBe(true);
    const log = await operate((tx) =>
      tx.selectFrom('audit_logs').selectAll().where('audit_id', '=', audit_id).executeTakeFirstOrThrow(),
    );
    expect(log).toMatchObject({
      user_id: null,
      org_id,
      metadata: { actor: { user_id, email: `${org_id}@example.org` } },
    });
  });

  test('a deleted organization takes all it owns along; its API key is revoked and stays so, its audit logs stay', async () => {
    const gone = await fillOrganization(db());
    expect(await operate((tx) => deleteOrganization(tx, { orgId: gone.org_id }))).toBe(true);
    const { token, log, jobs } = await operate(async (tx) => ({
      token: await tx.selectFrom('tokens').selectAll().where('token_id', '=', gone.token_id).executeTakeFirst(),
      log: await tx.selectFrom('audit_logs').selectAll().where('audit_id', '=', gone.audit_id).executeTakeFirst(),
      jobs: await tx.selectFrom('jobs_meta').selectAll().where('org_id', '=', gone.org_id).execute(),
    }));
    expect([token, log, jobs]).toMatchObject([
      { org_id: null, revoked: true },
      { org_id: null, user_id: gone.user_id },
      [],
    ]);
    expect(await verdict(sql`update tokens set revoked = false where token_id = ${gone.token_id}`)).toBe(
      'tokens_revoked_for_good',
    );
  });

  test('a token that loses its organization is revoked in the same statement, and never given another', async () => {
    const token = newId();
    const insert = sql`insert into tokens (token_id, user_id, org_id, kind, expires_at) values (${token}, ${a.user_id}, ${a.org_id}, 'api_key', '2999-01-01')`;
    expect(await verdict(insert, sql`update tokens set last_used_at = now() where token_id = ${token}`)).toBe(
      'accepted',
    );
    expect(await verdict(sql`update tokens set org_id = ${b.org_id} where token_id = ${token}`)).toBe(
      'tokens_revoked_for_good',
    );
    await operate((tx) => sql`update tokens set org_id = null where token_id = ${token}`.execute(tx));
    expect(
      await operate((tx) => tx.selectFrom('tokens').select('revoked').where('token_id', '=', token).executeTakeFirst()),
    ).toEqual({ revoked: true });
    expect(await verdict(sql`update tokens set secret_hash = 'in clear' where token_id = ${token}`)).toBe(
      'tokens_secret_hash_check',
    );
  });

  test('names of organizations differ by more than case, and their status is one of seven', async () => {
    const organization = (name: string, status = 'active') =>
      sql`insert into organizations (name, status) values (${name}, ${status})`;
    expect(await verdict(organization('Acme', 'provisioning'), organization('Acme 2', 'suspended'))).toBe('accepted');
    expect(await verdict(organization('ACME'))).toBe('organizations_lower_name_key');
    expect(await verdict(organization('Acme 3', 'enabled'))).toBe('organizations_status_check');
  });

  test('there is one system organization, and it stays', async () => {
    expect(await verdict(sql`insert into organizations (name, status) values ('impostor', 'system')`)).toBe(
      'organizations_system_check',
    );
    expect(await verdict(sql`update organizations set status = 'active' where org_id = ${SYSTEM_ORG_ID}`)).toBe(
      'organizations_system_check',
    );
    expect(await verdict(sql`delete from organizations where org_id = ${SYSTEM_ORG_ID}`)).toBe(
      'organizations_system_check',
    );
  });

  test('a subject of a provider is linked to one user for good', async () => {
    const provider = newId();
    const link = (user: string, subject: string) =>
      sql`insert into identities (user_id, provider_id, subject) values (${user}, ${provider}, ${subject})`;
    const setUp = sql`insert into identity_providers (provider_id, name, kind) values (${provider}, 'lab', 'saml')`;
    expect(await verdict(setUp, link(a.user_id, 's1'), link(b.user_id, 's2'))).toBe('accepted');
    expect(await verdict(link(b.user_id, 's1'))).toBe('identities_provider_id_subject_key');
    expect(await verdict(sql`update identities set user_id = ${b.user_id} where subject = 's1'`)).toBe(
      'identities_frozen',
    );
  });

  test('two organizations never share a results database, and a name that would be cut is refused', async () => {
    const place = (org: string, database: string | null) =>
      sql`update org_databases set placement = 'database', cluster = 'main', database_name = ${database}, schema_name = 'public' where org_id = ${org}`;
    expect(await verdict(place(a.org_id, 'mad_results_1'), place(b.org_id, 'mad_results_2'))).toBe('accepted');
    expect(await verdict(place(a.org_id, 'mad_results_2'))).toBe('org_databases_place_key');
    expect(await verdict(place(a.org_id, 'x'.repeat(64)))).toBe('org_databases_database_name_check');
    expect(await verdict(place(a.org_id, null))).toBe('org_databases_named_check');
  });

  test('a changed row carries the time of its change', async () => {
    const { before, after } = await operate(async (tx) => {
      await sql`update jobs_meta set updated_at = '2000-01-01', event_no = event_no + 1 where job_id = ${b.job_id}`.execute(
        tx,
      );
      const row = await tx
        .selectFrom('jobs_meta')
        .select(['updated_at', sql<Date>`now()`.as('now')])
        .where('job_id', '=', b.job_id)
        .executeTakeFirstOrThrow();
      return { before: row.now, after: row.updated_at };
    });
    expect(after).toEqual(before);
  });
});
