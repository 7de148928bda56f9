import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { NAMED } from './target.ts';

/** Where everything of an organization lies. */
export interface Possessions {
  readonly orgId: string;
  readonly userId: string;
  readonly metadata: Kysely<unknown>;
  readonly resultsDb: Kysely<unknown>;
  readonly schema: string;
  readonly folder: string;
}

/** Of tables without `org_id`: which rows are the organization's. */
const THROUGH_PARENT: Readonly<Record<string, (given: Possessions) => ReturnType<typeof sql>>> = {
  users: ({ userId }) => sql`user_id = ${userId}`,
  identities: ({ userId }) => sql`user_id = ${userId}`,
  audit_chains: ({ orgId }) => sql`chain_id = ${orgId}`,
  role_permissions: ({ orgId }) => sql`role_id in (select role_id from roles where org_id = ${orgId})`,
  task_services: ({ orgId }) =>
    sql`task_definition_id in (select task_definition_id from task_definitions where org_id = ${orgId})`,
  pipeline_task_steps: ({ orgId }) =>
    sql`template_id in (select template_id from pipeline_templates where org_id = ${orgId})`,
  pipeline_versions: ({ orgId }) => sql`pipeline_id in (select pipeline_id from pipelines where org_id = ${orgId})`,
};
const OF_NOBODY = ['identity_providers', 'fleet_migrations', 'warm_databases', 'sign_in_attempts'];

/** Every row of the organization in both databases, and every file, as text. */
export async function readPossessions(given: Possessions): Promise<readonly string[]> {
  const rows = [...(await readMetadata(given)), ...(await readResults(given)), ...(await readFiles(given))];
  return rows.sort();
}

/** Rows of the Metadata DB, through a handle that no policy holds. */
export async function readMetadata(given: Possessions): Promise<readonly string[]> {
  const { orgId, metadata } = given;
  const tables = await sql<{ name: string; owned: boolean }>`
    select c.relname as name, bool_or(a.attname = 'org_id') as owned from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not like 'mad\\_%' and a.attnum > 0
    group by 1 order by 1`.execute(metadata);
  const parts = tables.rows
    .filter(({ name }) => !OF_NOBODY.includes(name))
    .map(({ name, owned }) => {
      const condition = owned ? sql`org_id = ${orgId}` : THROUGH_PARENT[name]?.(given);
      if (!condition) throw new TypeError(`expected to know whose rows the table ${name} has`);
      return sql`select ${name}::text || ' ' || to_jsonb(t)::text as row from ${sql.id('public', name)} t where ${condition}`;
    });
  const { rows } = await sql<{ row: string }>`${sql.join(parts, sql` union all `)}`.execute(metadata);
  return rows.map(({ row }) => row);
}

async function readResults({ resultsDb, schema }: Possessions): Promise<readonly string[]> {
  const tables = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = ${schema}::regnamespace and relkind in ('r', 'p')`.execute(
    resultsDb,
  );
  const parts = tables.rows.map(
    ({ name }) => sql`select ${name}::text || ' ' || to_jsonb(t)::text as row from ${sql.id(schema, name)} t`,
  );
  const { rows } = await sql<{ row: string }>`${sql.join(parts, sql` union all `)}`.execute(resultsDb);
  return rows.map(({ row }) => row);
}

async function readFiles({ folder, orgId }: Possessions): Promise<readonly string[]> {
  const own = join(folder, orgId);
  const found = await readdir(own, { recursive: true, withFileTypes: true });
  return Promise.all(
    found
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const bytes = await readFile(join(parentPath, name));
        return `${parentPath}/${name} ${createHash('sha256').update(bytes).digest('hex')}`;
      }),
  );
}

/** Ids, digests and tags that are in these rows and not in those. */
export function secretsOf(rows: readonly string[], others: readonly string[]): ReadonlySet<string> {
  const known = new Set(others.flatMap((row) => row.match(NAMED) ?? []));
  return new Set(rows.flatMap((row) => row.match(NAMED) ?? []).filter((text) => !known.has(text)));
}
