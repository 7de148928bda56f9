import { type QueryExecutorProvider, sql } from 'kysely';
import type { DescribedTable, TableSequence } from './describe-tables.ts';

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/**
 * Runs `load` with the tables locked and without their foreign keys and triggers, which it puts back: rows may refer to rows that come later,
 * and arrive as they were. Putting the keys back proves every one of them. To be called in a transaction.
 */
export async function withBareTables(
  tx: QueryExecutorProvider,
  { schema, tables }: { readonly schema: string; readonly tables: readonly DescribedTable[] },
  load: () => Promise<void>,
): Promise<void> {
  for (const { table } of tables) await sql`lock table ${sql.id(schema, table)} in access exclusive mode`.execute(tx);
  const { rows: keys } = await sql<ForeignKey>`
    select r.relname as "table", k.conname as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class r on r.oid = k.conrelid join pg_namespace n on n.oid = r.relnamespace
    where k.contype = 'f' and n.nspname = ${schema} and r.relname = any (${tables.map(({ table }) => table)}::text[])`.execute(
    tx,
  );
  for (const { table, name } of keys)
    await sql`alter table ${sql.id(schema, table)} drop constraint ${sql.id(name)}`.execute(tx);
  for (const { table } of tables) await sql`alter table ${sql.id(schema, table)} disable trigger user`.execute(tx);
  await load();
  for (const { table, name, definition } of keys)
    await sql`alter table ${sql.id(schema, table)} add constraint ${sql.id(name)} ${sql.raw(definition)}`.execute(tx);
  for (const { table } of tables) await sql`alter table ${sql.id(schema, table)} enable trigger user`.execute(tx);
}

/** Whether any of the tables holds a row. */
export async function hasRows(
  db: QueryExecutorProvider,
  { schema, tables }: { readonly schema: string; readonly tables: readonly DescribedTable[] },
): Promise<boolean> {
  for (const { table } of tables) {
    const { rows } = await sql`select from ${sql.id(schema, table)} limit 1`.execute(db);
    if (rows.length > 0) return true;
  }
  return false;
}

/** Inserts rows of one table that are JSON lines; returns how many. Identity columns take the values of the rows. */
export async function insertLines(
  tx: QueryExecutorProvider,
  { schema, table, columns }: DescribedTable & { readonly schema: string },
  lines: readonly string[],
): Promise<number> {
  const target = sql.id(schema, table);
  const names = sql.join(columns.map((column) => sql.id(column)));
  const { numAffectedRows } = await sql`insert into ${target} (${names}) overriding system value
    select ${names} from json_populate_recordset(null::${target}, ${`[${lines.join(',')}]`}::json)`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Lets the counters go on where they stopped, and never below a row that is there. */
export async function setSequences(
  tx: QueryExecutorProvider,
  schema: string,
  sequences: readonly TableSequence[],
): Promise<void> {
  for (const { table, column, last, is_called } of sequences) {
    await sql`select setval(pg_get_serial_sequence(format('%I.%I', ${schema}::text, ${table}::text), ${column}::text),
      greatest(${last}::bigint, (select coalesce(max(${sql.id(column)}), 0) from ${sql.id(schema, table)})),
      ${is_called} or exists (select from ${sql.id(schema, table)} where ${sql.id(column)} >= ${last}::bigint))`.execute(
      tx,
    );
  }
}
