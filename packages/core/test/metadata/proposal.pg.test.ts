import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { MetadataDatabase } from '../../src/metadata/metadata-database.ts';
import { describeOnEachDatabase } from './each-database.ts';
import { PROPOSAL_ENUMS, PROPOSAL_TABLES } from './proposal-tables.ts';

describeOnEachDatabase((db) => {
  test.each(Object.entries(PROPOSAL_TABLES))(
    '%s has every column of the proposal, with its type, nullability and default',
    async (table, { columns }) => {
      expect(await readColumns(db(), table)).toEqual(expect.arrayContaining([...columns]));
    },
  );

  test.each(Object.entries(PROPOSAL_TABLES))(
    '%s has every key and index of the proposal',
    async (table, { keys, indexes = [] }) => {
      expect(await readKeys(db(), table)).toEqual(expect.arrayContaining([...keys, ...indexes]));
    },
  );

  test('the enums have the values of the proposal, in their order', async () => {
    const { rows } = await sql<{ name: string; values: string[] }>`
      select typname as name, array_agg(enumlabel::text order by enumsortorder) as values
      from pg_enum join pg_type on pg_type.oid = enumtypid group by typname`.execute(db());
    expect(Object.fromEntries(rows.map(({ name, values }) => [name, values]))).toEqual(PROPOSAL_ENUMS);
  });

  test('the only other tables are the directory of results databases, held slots, schedules, heads of audit chains, invitations, counts of sign-ins, runs over the fleet and the ledger of migrations', async () => {
    const { rows } = await sql<{
      name: string;
    }>`select tablename as name from pg_tables where schemaname = 'public'`.execute(db());
    const names = rows.map(({ name }) => name).sort();
    expect(names).toEqual(
      [
        ...Object.keys(PROPOSAL_TABLES),
        'admitted_jobs',
        'audit_chains',
        'fleet_migration_organizations',
        'fleet_migrations',
        'invitations',
        'job_schedules',
        'mad_metadata_migrations',
        'org_databases',
        'sign_in_attempts',
        'warm_databases',
      ].sort(),
    );
  });

  test('what is added to a table of the proposal may be left out on insert', async () => {
    for (const [table, { columns }] of Object.entries(PROPOSAL_TABLES)) {
      const added = (await readColumns(db(), table)).filter((column) => !columns.includes(column));
      expect(added.filter((column) => column.includes(' not null') && !column.includes(' default '))).toEqual([]);
    }
  });
});

async function readColumns(db: MetadataDatabase, table: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
      || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') as line
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`.execute(db);
  return rows.map(({ line }) => line);
}

async function readKeys(db: MetadataDatabase, table: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select pg_get_constraintdef(oid) as line from pg_constraint where conrelid = ${table}::regclass
    union all select replace(indexdef, 'public.', '') from pg_indexes where schemaname = 'public' and tablename = ${table}`.execute(
    db,
  );
  return rows.map(({ line }) => line);
}
