import { findSqlState, SQLSTATE } from '@mad/core';
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely';

/** SQLSTATE `deadlock_detected`. */
const DEADLOCK = '40P01';
const ATTEMPTS = 5;

/** A fence around a Results DB, and whose it is. */
export interface Fence {
  readonly schema: string;
  /** The id of the transition that it is raised for. */
  readonly by: string;
}

export interface FenceWrites extends Fence {
  /** Asked when nobody can lift or raise a fence here but this call; what it throws is thrown, and there is no fence. */
  readonly check: () => Promise<void>;
}

/**
 * Refuses every later write to the tables of a Results DB, whoever holds a handle on it, after those under way have ended; reading goes on. A refused
 * write is told what a standby would tell, so that it counts as a database that is away. A fence that is there becomes this transition's.
 * @throws a lock timeout where a transaction keeps writing for longer than 10 s.
 */
export async function fenceWrites<Tables>(db: Kysely<Tables>, fence: FenceWrites): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await db.transaction().execute(async (tx) => {
        await lockFence(tx, fence.schema);
        await fence.check();
        await raiseFence(tx, fence);
      });
      return;
    } catch (error) {
      // A writer that holds one table and wants the next meets us on the way.
      const state = findSqlState(error);
      if (attempt === ATTEMPTS || (state !== DEADLOCK && state !== SQLSTATE.lockNotAvailable)) throw error;
    }
  }
}

/** Fences tables that nobody else may write to meanwhile, in the transaction that they belong to. */
export async function raiseFence(tx: QueryExecutorProvider, { schema, by }: Fence): Promise<void> {
  const name = sql.id(schema, 'mad_refuse_writes');
  await sql`create or replace function ${name}() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'this Results DB is fenced: its organization moves to another place or goes away'
    using errcode = 'read_only_sql_transaction', hint = 'get the Results DB from its router again in some seconds';
end $$`.execute(tx);
  await sql`comment on function ${name}() is ${sql.lit(by)}`.execute(tx);
  for (const table of await unfencedTables(tx, schema))
    await sql`create trigger mad_fence before insert or update or delete or truncate on ${sql.id(schema, table)}
      for each statement execute function ${name}()`.execute(tx);
}

/** Until the transaction ends nobody else raises or lifts a fence here: one that is on its way up is not missed. */
async function lockFence(tx: QueryExecutorProvider, schema: string): Promise<void> {
  await sql`set local lock_timeout = '10s'`.execute(tx);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`mad.fence.${schema}`}, 0))`.execute(tx);
}

/** All but the stamp, which nothing changes anyway; the ledger of migrations too: tables must stay as they are. */
async function unfencedTables(db: QueryExecutorProvider, schema: string): Promise<readonly string[]> {
  const { rows } = await sql<{ table: string }>`
    select c.relname as "table" from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and c.relname <> 'results_database'
      and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'mad_fence')
    order by c.relname`.execute(db);
  return rows.map(({ table }) => table);
}

export interface LiftFence {
  readonly schema: string;
  /** Only this transition's fence goes. @default whosever it is */
  readonly by?: string | undefined;
  /** Called when it is as good as lifted, while writes wait; what it throws is thrown, and the fence stays. */
  readonly meanwhile?: (() => Promise<void>) | undefined;
}

/** Lets writes through again, once every attempt to fence them that is under way has ended. Does nothing where there is no such fence. */
export async function liftFence<Tables>(db: Kysely<Tables>, { schema, by, meanwhile }: LiftFence): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockFence(tx, schema);
    if (by === undefined || (await readFence(tx, schema)) === by)
      await sql`drop function if exists ${sql.id(schema, 'mad_refuse_writes')}() cascade`.execute(tx);
    await meanwhile?.();
  });
}

/** The id of the transition that the Results DB in this schema is fenced for; undefined where it is not. */
export async function readFence(db: QueryExecutorProvider, schema: string): Promise<string | undefined> {
  const { rows } = await sql<{ by: string }>`
    select coalesce(obj_description(p.oid, 'pg_proc'), '') as by from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema} and p.proname = 'mad_refuse_writes'`.execute(db);
  return rows[0]?.by;
}
