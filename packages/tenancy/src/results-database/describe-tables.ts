import { type Kysely, type QueryExecutorProvider, type RawBuilder, sql } from 'kysely';
import type { RowText } from './read-rows.ts';

/** A table of a Results DB with its columns, by name. */
export interface DescribedTable {
  readonly table: string;
  readonly columns: readonly string[];
}

/** Written by the migrations of each place for itself. */
const OF_THE_PLACE = ['mad_results_migrations', 'results_database'];

/** The tables of a Results DB that hold what happened in it, from the catalog: whatever version it has. */
export async function describeTables(db: QueryExecutorProvider, schema: string): Promise<readonly DescribedTable[]> {
  const { rows } = await sql<DescribedTable>`
    select c.relname as "table", array_agg(a.attname::text order by a.attname::text collate "C") as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and not (c.relname = any (${OF_THE_PLACE}::text[]))
    group by c.relname order by c.relname`.execute(db);
  return rows;
}

/** A query for `readRows` over all rows of these tables, one table after the other. */
export function selectRows(tables: readonly DescribedTable[], schema: string): RawBuilder<RowText> {
  const each = tables.map(
    ({ table }) =>
      sql`select ${sql.lit(table)}::text as part, row_to_json(r)::text as line from ${sql.id(schema, table)} r`,
  );
  return sql`${sql.join(each, sql` union all `)}`;
}

/** How far a counter of a table has come. */
export interface TableSequence {
  readonly table: string;
  readonly column: string;
  /** A decimal number. */
  readonly last: string;
  /** False: `last` itself is given out next. */
  readonly is_called: boolean;
}

/** The counters of a Results DB: identity columns and serials. */
export async function readSequences(db: QueryExecutorProvider, schema: string): Promise<readonly TableSequence[]> {
  const { rows } = await sql<{ sequence: string; table: string; column: string }>`
    select s.relname as sequence, t.relname as "table", a.attname as "column"
    from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_class t on t.oid = d.refobjid
      join pg_namespace n on n.oid = t.relnamespace
      join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and n.nspname = ${schema}
    order by t.relname, a.attname`.execute(db);
  const sequences: TableSequence[] = [];
  for (const { sequence, table, column } of rows) {
    const state = await sql<{ last: string; is_called: boolean }>`
      select last_value::text as last, is_called from ${sql.id(schema, sequence)}`.execute(db);
    sequences.push(...state.rows.map((row) => ({ table, column, ...row })));
  }
  return sequences;
}

/** How many rows a table holds, and a sum over their hashes that does not depend on their order. */
export interface TableMeasure {
  readonly rows: number;
  readonly checksum: string;
}

/** Measures every table by SHA-256 over its rows' text, on the server. */
export async function measureTables<Tables>(
  db: Kysely<Tables>,
  { schema, tables }: { readonly schema: string; readonly tables: readonly DescribedTable[] },
): Promise<ReadonlyMap<string, TableMeasure>> {
  const measures = new Map<string, TableMeasure>();
  await db.transaction().execute(async (tx) => {
    // What the text of a row depends on.
    await sql`select set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true),
      set_config('intervalstyle', 'iso_8601', true), set_config('extra_float_digits', '3', true)`.execute(tx);
    for (const { table, columns } of tables) {
      const word = (from: number) =>
        sql`coalesce(sum(('x' || encode(substring(h from ${sql.lit(from)} for 8), 'hex'))::bit(64)::bigint), 0)::text`;
      const { rows } = await sql<{ rows: string; checksum: string }>`
        select count(*)::text as rows, concat(${word(1)}, '/', ${word(9)}) as checksum
        from (select sha256(convert_to(row(${sql.join(columns.map((column) => sql.ref(column)))})::text, 'UTF8')) as h
          from ${sql.id(schema, table)}) r`.execute(tx);
      const [measure] = rows;
      if (measure) measures.set(table, { rows: Number(measure.rows), checksum: measure.checksum });
    }
  });
  return measures;
}
