import { randomBytes } from 'node:crypto';
import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import { auditHash, FIRST_PREV_HASH } from '../../src/metadata/audit-hash.ts';
import {
  insertAuditLog,
  insertOperatorAuditLog,
  listAuditChain,
  listAuditLogs,
  PLATFORM_CHAIN_ID,
  readAuditChainEnd,
} from '../../src/metadata/audit-log.repository.ts';
import { inAllOrganizations, inOrganization, type MetadataDatabase } from '../../src/metadata/metadata-database.ts';
import { metadataTrack, migrateMetadata } from '../../src/metadata/metadata-track.ts';
import { deleteOrganization } from '../../src/metadata/organization.repository.ts';
import { deleteUser } from '../../src/metadata/user.repository.ts';
import { migrationSql } from '../../src/postgres/migrate.ts';
import { findSqlState, SQLSTATE } from '../../src/postgres/sqlstate.ts';
import { describeOnEachDatabase, openAs } from './each-database.ts';
import { fillOrganization } from './fill-organization.ts';

type Filled = Awaited<ReturnType<typeof fillOrganization>>;
const entry = (action: string) => ({ user_id: null, action, entity_type: 'thing', entity_id: null });

/** The chain as an operator reads it; each row's link and hash are as the database should have written them. */
async function readChain(db: MetadataDatabase, chainId: string) {
  const { rows, end } = await inAllOrganizations(db, async (tx) => ({
    rows: await listAuditChain(tx, { chainId, limit: 10_000 }),
    end: await readAuditChainEnd(tx, { chainId }),
  }));
  const last = rows.at(-1);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, n) => n + 1));
  expect(rows.map((row) => row.prev_hash)).toEqual(
    [FIRST_PREV_HASH, ...rows.map(({ hash }) => hash)].slice(0, rows.length),
  );
  expect(rows.map(({ hash }) => hash)).toEqual(rows.map(auditHash));
  expect(end).toEqual({ head: last && { seq: last.seq, hash: last.hash }, lastSeq: rows.length, strayId: undefined });
  return rows;
}

describeOnEachDatabase((db) => {
  let a: Filled;
  beforeAll(async () => {
    a = await fillOrganization(db());
  });

  test('each row is linked to the one before, several of one statement in their order', async () => {
    const { org_id } = await fillOrganization(db());
    await inOrganization(db(), org_id, async (tx) => {
      await insertAuditLog(tx, {
        ...entry('Gödel: 1:x-'),
        entity_id: 'a\nb',
        metadata: { price: 1.5, deep: [{ b: 1, a: '€' }] },
      });
      const values = ['two', 'three', 'four'].map((action) => ({ ...entry(action), org_id, audit_id: newId() }));
      await tx.insertInto('audit_logs').values(values).execute();
      await sql`insert into audit_logs (org_id, action, entity_type, metadata, ts)
        values (${org_id}, 'five', 'thing', '{"n": 1.50, "big": 12345678901234567890123}', '2030-01-01 00:00:00.000001+13')`.execute(
        tx,
      );
    });
    const rows = await readChain(db(), org_id);
    expect(rows.map(({ action }) => action)).toEqual(['role.assign', 'Gödel: 1:x-', 'two', 'three', 'four', 'five']);
  });

  test('what names no organization has a chain of its own', async () => {
    await inAllOrganizations(db(), (tx) => insertOperatorAuditLog(tx, { orgId: null, entry: entry('fleet.migrate') }));
    expect((await readChain(db(), PLATFORM_CHAIN_ID)).at(-1)).toMatchObject({ action: 'fleet.migrate', org_id: null });
  });

  test('many at once leave no gap; what is rolled back or refused takes no number', async () => {
    const { org_id } = await fillOrganization(db());
    const write = (n: number) =>
      inOrganization(db(), org_id, async (tx) => {
        await insertAuditLog(tx, entry(`number ${n}`));
        if (n % 3 === 0) throw new RangeError('given up');
      }).catch(() => {});
    await Promise.all(Array.from({ length: 30 }, (_, n) => write(n)));
    const [first] = await readChain(db(), org_id);
    const twice = inOrganization(db(), org_id, (tx) =>
      sql`insert into audit_logs (audit_id, org_id, action, entity_type) values (${first?.audit_id}, ${org_id}, 'x', 'y') on conflict do nothing`.execute(
        tx,
      ),
    );
    expect(await twice.catch(findSqlState)).toBe(SQLSTATE.uniqueViolation);
    expect(await readChain(db(), org_id)).toHaveLength(21);
  });

  test('whoever writes says nothing about number, hash, chain or actor', async () => {
    const { org_id } = await fillOrganization(db());
    await inOrganization(db(), org_id, (tx) =>
      sql`insert into audit_logs (org_id, action, entity_type, chain_id, seq, prev_hash, hash, metadata)
        values (${org_id}, 'x', 'y', ${a.org_id}, 77, 'p', 'h', '{"actor": {"user_id": "somebody"}, "kept": 1}')`.execute(
        tx,
      ),
    );
    expect((await readChain(db(), org_id)).at(-1)).toMatchObject({
      seq: 2,
      actor_id: null,
      metadata_text: '{"kept": 1}',
    });
  });

  test('a table of the same name in the temporary schema leads the trigger nowhere', async () => {
    const { org_id } = await fillOrganization(db());
    await db()
      .transaction()
      .execute(async (tx) => {
        await sql`create temporary table audit_chains (chain_id uuid primary key, seq bigint, hash text) on commit drop`.execute(
          tx,
        );
        await sql`grant all on pg_temp.audit_chains to public`.execute(tx);
        await sql`select set_config('role', 'mad_organization', true), set_config('mad.org_id', ${org_id}, true)`.execute(
          tx,
        );
        await sql`insert into audit_logs (org_id, action, entity_type) values (${org_id}, 'x', 'y')`.execute(tx);
      });
    expect(await readChain(db(), org_id)).toHaveLength(2);
  });

  test('an organization that adds for another is refused before it locks that chain', async () => {
    const b = await fillOrganization(db());
    const state = await inOrganization(db(), a.org_id, (tx) =>
      sql`insert into audit_logs (org_id, action, entity_type) values (${b.org_id}, 'x', 'y')`.execute(tx),
    ).catch(findSqlState);
    expect(state).toBe(SQLSTATE.insufficientPrivilege);
    expect(await readChain(db(), b.org_id)).toHaveLength(1);
  });

  test.each(['audit_logs', 'audit_chains'])(
    '%s: update, delete and truncate are refused through both doors',
    async (table) => {
      const doors = [
        (statement: string) => inOrganization(db(), a.org_id, (tx) => sql.raw(statement).execute(tx)),
        (statement: string) => inAllOrganizations(db(), (tx) => sql.raw(statement).execute(tx)),
      ];
      for (const statement of [`update ${table} set hash = 'x'`, `delete from ${table}`, `truncate ${table}`])
        for (const door of doors)
          expect([statement, await door(statement).catch(findSqlState)]).toEqual([statement, '42501']);
    },
  );

  test('the owner moves, deletes and truncates no head either', async () => {
    const asOwner = (statement: string) =>
      db()
        .transaction()
        .execute(async (tx) => {
          await sql`alter table audit_chains disable row level security`.execute(tx);
          await sql.raw(statement).execute(tx);
        })
        .catch((error: { constraint?: string }) => error.constraint);
    for (const statement of [
      'update audit_chains set seq = seq + 1',
      'delete from audit_chains',
      'truncate audit_chains',
    ])
      expect(await asOwner(statement)).toBe('audit_chains_append_only');
  });

  test('a deleted user and a deleted organization leave the chain as it was', async () => {
    const gone = await fillOrganization(db());
    const before = await readChain(db(), gone.org_id);
    await inAllOrganizations(db(), async (tx) => {
      await deleteUser(tx, { userId: gone.user_id });
      await deleteOrganization(tx, { orgId: gone.org_id });
    });
    const after = await readChain(db(), gone.org_id);
    expect(after).toEqual(before.map((row) => ({ ...row, org_id: null, user_id: null })));
    const { items } = await inAllOrganizations(db(), (tx) => listAuditLogs(tx, { userId: gone.user_id }));
    expect(items).toMatchObject([{ user_id: null, seq: 1 }]);
  });

  test('the trail is listed by chain and by time', async () => {
    const { org_id, audit_id } = await fillOrganization(db());
    const list = (request: object) =>
      inAllOrganizations(db(), async (tx) =>
        (await listAuditLogs(tx, { chainId: org_id, ...request })).items.map((row) => row.audit_id),
      );
    expect(await list({})).toEqual([audit_id]);
    const soon = new Date(Date.now() + 60_000);
    expect(await list({ to: soon })).toEqual([audit_id]);
    expect(await list({ from: soon })).toEqual([]);
    expect(await list({ from: new Date(0), to: new Date(1) })).toEqual([]);
  });
});

test('rows from before are chained in the order of their ids, by an owner who is no superuser', async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createPostgresDatabase());
  const login = `mad_owner_${randomBytes(6).toString('hex')}`;
  await sql`create role ${sql.id(login)} login createrole password 'ordinary'`.execute(database.db);
  await sql`alter database ${sql.id(new URL(database.url).pathname.slice(1))} owner to ${sql.id(login)}`.execute(
    database.db,
  );
  const db = openAs(database.url, login);
  stack.defer(async () => {
    await db.destroy();
    await sql`reassign owned by ${sql.id(login)} to current_user`.execute(database.db);
    await sql`drop owned by ${sql.id(login)}`.execute(database.db);
    await sql`drop role ${sql.id(login)}`.execute(database.db);
  });
  for (const statement of await migrationSql({ track: metadataTrack }, ['0001_proposal']))
    await sql.raw(statement.replace(/^set local /, 'set ')).execute(db);
  const [one, two] = [newId(), newId()];
  await sql`insert into organizations (org_id, name) values (${one}, 'one'), (${two}, 'two')`.execute(db);
  await sql`insert into users (email, hashed_password) values ('a@example.org', '!')`.execute(db);
  await sql`insert into audit_logs (org_id, action, entity_type, user_id)
    select o, 'n' || n, 'thing', user_id from generate_series(1, 40) n, users,
      unnest(array[${one}, ${two}, null]::uuid[]) o`.execute(db);
  await migrateMetadata(db);
  await sql`grant mad_organization, mad_operator to ${sql.id(login)}`.execute(database.db);
  for (const chain of [one, two, PLATFORM_CHAIN_ID]) {
    const rows = await readChain(db, chain);
    expect(rows.map((row) => row.audit_id)).toEqual(rows.map((row) => row.audit_id).sort());
    expect(rows).toHaveLength(40);
    expect(rows[0]).toMatchObject({ actor_id: rows[0]?.user_id, user_id: expect.any(String) });
  }
  await inOrganization(db, one, (tx) => insertAuditLog(tx, entry('after')));
  expect(await readChain(db, one)).toHaveLength(41);
});
