import type { Kysely } from 'kysely';
import { TablesDifferError } from '../errors.ts';
import { type DescribedTable, describeTables, measureTables, readSequences, selectRows } from './describe-tables.ts';
import { hasRows, insertLines, setSequences, withBareTables } from './load-tables.ts';
import { readRows } from './read-rows.ts';

/** A Results DB in a schema of an open database. */
export interface OpenPlace {
  readonly db: Kysely<unknown>;
  readonly schema: string;
}

/**
 * Copies every row and counter of one Results DB into another that is empty and of the same version, in one transaction. Does nothing where the other
 * holds rows: it has been fenced since it was made, so that a call before it has copied all.
 * @throws {TablesDifferError} when they do not have the same tables and columns.
 */
export async function copyPlace(from: OpenPlace, to: OpenPlace): Promise<void> {
  const tables = await describeTables(to.db, to.schema);
  checkSameTables(await describeTables(from.db, from.schema), tables);
  const byName = new Map(tables.map((table) => [table.table, table]));
  await from.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((source) =>
      to.db.transaction().execute(async (target) => {
        const filled = { schema: to.schema, tables };
        await withBareTables(target, filled, async () => {
          if (await hasRows(target, filled)) return;
          for await (const rows of readRows(source, selectRows(tables, from.schema)))
            for (const [name, lines] of Map.groupBy(rows, ({ part }) => part)) {
              const table = byName.get(name);
              if (table)
                await insertLines(
                  target,
                  { schema: to.schema, ...table },
                  lines.map(({ line }) => line),
                );
            }
          await setSequences(target, to.schema, await readSequences(source, from.schema));
        });
      }),
    );
}

/**
 * Compares counts and checksums of every table; returns the number of rows by table.
 * @throws {TablesDifferError} naming the tables that are not the same.
 */
export async function comparePlaces(from: OpenPlace, to: OpenPlace): Promise<Readonly<Record<string, number>>> {
  const tables = await describeTables(from.db, from.schema);
  checkSameTables(tables, await describeTables(to.db, to.schema));
  const [before, after] = await Promise.all([
    measureTables(from.db, { schema: from.schema, tables }),
    measureTables(to.db, { schema: to.schema, tables }),
  ]);
  const different = tables.filter(({ table }) => {
    const [one, other] = [before.get(table), after.get(table)];
    return one?.rows !== other?.rows || one?.checksum !== other?.checksum;
  });
  if (different.length > 0) throw new TablesDifferError({ tables: different.map(({ table }) => table) });
  return Object.fromEntries([...before].map(([table, { rows }]) => [table, rows]));
}

function checkSameTables(from: readonly DescribedTable[], to: readonly DescribedTable[]): void {
  const written = (tables: readonly DescribedTable[]) =>
    new Map(tables.map(({ table, columns }) => [table, columns.join(',')]));
  const [one, other] = [written(from), written(to)];
  const different = [...new Set([...one.keys(), ...other.keys()])].filter(
    (table) => one.get(table) !== other.get(table),
  );
  if (different.length > 0) throw new TablesDifferError({ tables: different });
}
