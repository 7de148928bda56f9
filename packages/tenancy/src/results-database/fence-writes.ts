import { findSqlState, SQLSTATE } from '@mad/core';
import { type Kysely, sql } from 'kysely';

/** SQLSTATE `deadlock_detected`. */
const DEADLOCK = '40P01';
const ATTEMPTS = 5;

/**
 * Refuses every later write to the tables of a Results DB, whoever holds a handle on it, after those under way have ended; reading goes on. A refused
 * write is told what a standby would tell, so that it counts as a database that is away. Does nothing where it was done before.
 * @throws a lock timeout where a transaction keeps writing for longer than 10 s.
 */
export async function fenceWrites<Tables>(db: Kysely<Tables>, schema: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await fence(db, schema);
      return;
    } catch (error) {
      // A writer that holds one table and wants the next meets us on the way.
      const state = findSqlState(error);
      if (attempt === ATTEMPTS || (state !== DEADLOCK && state !== SQLSTATE.lockNotAvailable)) throw error;
    }
  }
}

async function fence<Tables>(db: Kysely<Tables>, schema: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = '10s'`.execute(tx);
    const name = sql.id(schema, 'mad_refuse_writes');
    await sql`create or replace function ${name}() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'this Results DB is fenced: its organization moves to another place or goes away'
    using errcode = 'read_only_sql_transaction', hint = 'get the Results DB from its router again in some seconds';
end $$`.execute(tx);
    for (const table of await unfencedTables(tx, schema))
      await sql`create trigger mad_fence before insert or update or delete or truncate on ${sql.id(schema, table)}
        for each statement execute function ${name}()`.execute(tx);
  });
}

/** All but the stamp, which nothing changes anyway; the ledger of migrations too: tables must stay as they are. */
async function unfencedTables<Tables>(db: Kysely<Tables>, schema: string): Promise<readonly string[]> {
  const { rows } = await sql<{ table: string }>`
    select c.relname as "table" from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and c.relname <> 'results_database'
      and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'mad_fence')
    order by c.relname`.execute(db);
  return rows.map(({ table }) => table);
}

/** Lets writes through again. Does nothing where there is no fence. */
export async function liftFence<Tables>(db: Kysely<Tables>, schema: string): Promise<void> {
  await sql`drop function if exists ${sql.id(schema, 'mad_refuse_writes')}() cascade`.execute(db);
}

/** Whether the Results DB in this schema was fenced. */
export async function isFenced<Tables>(db: Kysely<Tables>, schema: string): Promise<boolean> {
  const { rows } = await sql`select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema} and p.proname = 'mad_refuse_writes'`.execute(db);
  return rows.length > 0;
}
