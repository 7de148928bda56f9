import * as core from '@mad/core';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import type { Leak } from './attack.ts';
import type { IsolatedWorld } from './isolated-world.ts';
import { readMetadata } from './rows-of.ts';

/** Statements without any condition, on every table of the Metadata DB, in transactions of the attacker; all are rolled back. */
export async function attackByRawStatements(
  world: IsolatedWorld,
): Promise<{ readonly statements: number; readonly leaks: readonly Leak[] }> {
  const { rows: tables } = await sql<{ name: string; first: string; columns: string[] }>`
    select c.relname as name, min(a.attname) as first, array_agg(a.attname::text) as columns from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by 1 order by 1`.execute(world.db);
  const leaks: Leak[] = [];
  let statements = 0;
  for (const { name, columns } of tables) {
    const table = sql.id('public', name);
    const victims = await victimsRows(world, name);
    const attempts: Readonly<Record<string, readonly ReturnType<typeof sql>[]>> = {
      select: [sql`select to_jsonb(t) from ${table} t`],
      update: columns.map((column) => sql`update ${table} set ${sql.id(column)} = ${sql.id(column)}`),
      moved: columns.includes('org_id') ? [sql`update ${table} set org_id = ${world.victim.target.orgId}`] : [],
      delete: [sql`delete from ${table}`, sql`delete from ${table} returning *`],
      truncate: [sql`truncate ${table} cascade`],
      insert: victims.map(
        (row) => sql`insert into ${table} select * from jsonb_populate_record(null::${table}, ${row}::jsonb)`,
      ),
    };
    for (const [verb, texts] of Object.entries(attempts))
      for (const statement of texts) {
        statements += 1;
        leaks.push(...(await attempt(world, { statement, name: `${verb} ${name}` })));
      }
    statements += 1;
    leaks.push(...(await attemptCopy(world, name)));
  }
  return { statements, leaks };
}

async function victimsRows({ victim }: IsolatedWorld, table: string): Promise<readonly string[]> {
  const rows = await readMetadata(victim.possessions);
  return rows.filter((row) => row.startsWith(`${table} `)).map((row) => freshKey(row.slice(table.length + 1), table));
}

/** The row's own key is a new one, so that only a policy refuses it; what it belongs to stays. */
function freshKey(row: string, table: string): string {
  const column = OWN_KEYS[table];
  if (column === undefined) return row;
  return JSON.stringify({ ...(JSON.parse(row) as object), [column]: core.newId() });
}

const OWN_KEYS: Readonly<Record<string, string>> = {
  artifacts: 'artifact_id',
  invitations: 'invitation_id',
  job_schedules: 'schedule_id',
  jobs_meta: 'job_id',
  molecules: 'molecule_id',
  pipeline_templates: 'template_id',
  pipelines: 'pipeline_id',
  roles: 'role_id',
  task_definitions: 'task_definition_id',
  task_services: 'service_id',
  tokens: 'token_id',
};

async function attempt(
  world: IsolatedWorld,
  { statement, name }: { readonly statement: ReturnType<typeof sql>; readonly name: string },
): Promise<readonly Leak[]> {
  const leaks: Leak[] = [];
  const { victim, attacker } = world;
  const before = await readMetadata(victim.possessions);
  const given = new Set(JSON.stringify(statement.compile(world.db).parameters).match(/[0-9a-f-]{36}/g));
  await core
    .inOrganization(attacker.metadata, attacker.caller.orgId, async (tx) => {
      const { rows } = await statement.execute(tx);
      const text = JSON.stringify(rows);
      for (const secret of victim.secrets)
        if (!given.has(secret) && text.includes(secret)) leaks.push({ call: name, kind: 'told', what: secret });
      // The login of the check is a superuser: with its own role it sees what was changed, before it is undone.
      await sql`reset role`.execute(tx);
      const possessions = { ...victim.possessions, metadata: tx as unknown as Kysely<unknown> };
      const after = await readMetadata(possessions);
      const isSame = [...before].sort().join('\n') === [...after].sort().join('\n');
      if (!isSame) leaks.push({ call: name, kind: 'changed', what: `${before.length} rows, then ${after.length}` });
      throw new RolledBack();
    })
    .catch((error: unknown) => {
      const state = error instanceof RolledBack ? undefined : findSqlState(error);
      // Of its own rows, the attacker's are referred to by others of its own.
      const isOwn = name.startsWith('delete') && state === SQLSTATE.foreignKeyViolation;
      // Any other refusal would be by a key or a reference, and would tell what is there.
      if (!isOwn && !(error instanceof RolledBack || (state !== undefined && REFUSALS.includes(state))))
        leaks.push({ call: name, kind: 'tells', what: `${state}: ${String(error)}` });
    });
  return leaks;
}

const { findSqlState, SQLSTATE } = core;
const REFUSALS: readonly string[] = [SQLSTATE.insufficientPrivilege, SQLSTATE.checkViolation];

/** Thrown to undo a statement. */
class RolledBack extends RangeError {}

async function attemptCopy({ url, victim, attacker }: IsolatedWorld, table: string): Promise<readonly Leak[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const chunks: string[] = [];
    const { connection } = client as unknown as {
      connection: { on(event: 'copyData', listener: (message: { chunk: Buffer }) => void): void };
    };
    connection.on('copyData', ({ chunk }) => chunks.push(chunk.toString('utf8')));
    await client.query('begin');
    await client.query("select set_config('role', 'mad_organization', true), set_config('mad.org_id', $1, true)", [
      attacker.caller.orgId,
    ]);
    await client.query(`copy public."${table}" to stdout`).catch(() => undefined);
    const text = chunks.join('');
    for (const secret of victim.secrets)
      if (text.includes(secret)) return [{ call: `copy ${table}`, kind: 'told', what: secret }];
    return [];
  } finally {
    await client.end();
  }
}
