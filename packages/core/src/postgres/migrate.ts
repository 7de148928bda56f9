import {
  CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type Transaction,
} from 'kysely';
import type { Migration } from 'kysely/migration';
import { MigrationFailedError } from '../errors.ts';

export interface MigrationTrack {
  readonly name: 'metadata' | 'results';
  /** In the order of their names: `0001_proposal` first. */
  readonly migrations: Readonly<Record<string, Migration>>;
}

export interface MigrateOptions {
  readonly track: MigrationTrack;
  /** Where the tables live; created if missing. @default 'public' */
  readonly schema?: string;
  /** Gives up with `lock_not_available` when a table lock is not had in this time. @default no limit */
  readonly lockTimeoutMs?: number;
}

export interface MigrationState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/**
 * Brings one track to its newest version: all pending migrations in one transaction under an advisory lock, so that concurrent callers wait
 * and then find nothing to do. Returns the names it applied.
 * @throws {MigrationFailedError}
 */
export async function migrate<Tables>(db: Kysely<Tables>, options: MigrateOptions): Promise<readonly string[]> {
  const { schema = 'public' } = options;
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${migrationLock(options)}, 0))`.execute(tx);
    if (options.lockTimeoutMs !== undefined)
      await sql`select set_config('lock_timeout', ${`${options.lockTimeoutMs}ms`}, true)`.execute(tx);
    await provideSchema(tx, schema);
    await provideLedger(tx, options);
    const { pending } = await readState(tx, options);
    for (const name of pending) await applyMigration(tx, { ...options, name });
    return pending;
  });
}

/** Looks first: `if not exists` still asks for the right to create schemas, which the owner of a ready one may lack. */
async function provideSchema<Tables>(tx: Transaction<Tables>, schema: string): Promise<void> {
  const { rows } = await sql`select from pg_namespace where nspname = ${schema}`.execute(tx);
  if (rows.length === 0) await sql`create schema if not exists ${sql.id(schema)}`.execute(tx);
}

async function provideLedger<Tables>(tx: Transaction<Tables>, options: MigrateOptions): Promise<void> {
  const columns = sql`(name text primary key, applied_at timestamptz not null default now())`;
  await sql`create table if not exists ${ledger(options)} ${columns}`.execute(tx);
}

/** What a track has applied and what is pending; creates nothing. */
export async function migrationState<Tables>(db: Kysely<Tables>, options: MigrateOptions): Promise<MigrationState> {
  const { rows } = await sql<{ there: boolean }>`select exists (select from pg_tables
    where schemaname = ${options.schema ?? 'public'} and tablename = ${ledgerName(options.track)}) as there`.execute(
    db,
  );
  if (!rows[0]?.there) return { applied: [], pending: names(options.track) };
  return readState(db, options);
}

/**
 * The SQL that `migrate` would run for these migrations, the ledger's included, one statement an element and together one transaction, without
 * touching a database. None for no migrations.
 */
export async function migrationSql(options: MigrateOptions, only: readonly string[]): Promise<readonly string[]> {
  const statements: string[] = [];
  const recorder = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: (event) => void statements.push(event.query.sql.trim()),
  });
  if (only.length === 0) return [];
  await recorder.transaction().execute(async (tx) => {
    const { schema = 'public' } = options;
    if (schema !== 'public') await sql`create schema if not exists ${sql.id(schema)}`.execute(tx);
    await provideLedger(tx, options);
    for (const name of only) await applyMigration(tx, { ...options, name });
  });
  return statements;
}

/**
 * Runs one migration and notes it in the ledger, on a connection that is inside a transaction: for a migrator that looked for itself, under the
 * advisory lock of `migrationLock`, what is pending.
 * @throws {MigrationFailedError}
 */
export async function applyMigration<Tables>(
  tx: Kysely<Tables>,
  { track, schema = 'public', name }: MigrateOptions & { name: string },
): Promise<void> {
  try {
    // Inside the migration every unqualified name means this schema; `public` behind it only for extensions' types.
    await tx.executeQuery(
      CompiledQuery.raw(
        `set local search_path to ${schema === 'public' ? 'public' : `"${schema.replaceAll('"', '""')}", public`}`,
      ),
    );
    await track.migrations[name]?.up(tx);
    await sql`insert into ${ledger({ track, schema })} (name) values (${sql.lit(name)})`.execute(tx);
  } catch (cause) {
    throw new MigrationFailedError({ track: track.name, migration: name, cause });
  }
}

async function readState<Tables>(db: Kysely<Tables>, options: MigrateOptions): Promise<MigrationState> {
  const { rows } = await sql<{ name: string }>`select name from ${ledger(options)} order by name`.execute(db);
  const applied = rows.map((row) => row.name);
  return { applied, pending: names(options.track).filter((name) => !applied.includes(name)) };
}

/** The text whose `hashtextextended(text, 0)` is the advisory lock under which the track is migrated in this schema. */
export function migrationLock({ track, schema = 'public' }: MigrateOptions): string {
  return `mad.migrate.${track.name}.${schema}`;
}

/** The table, beside the track's own, that names what was applied. */
export function ledgerName(track: MigrationTrack): string {
  return `mad_${track.name}_migrations`;
}

const names = (track: MigrationTrack): string[] => Object.keys(track.migrations).sort();
const ledger = ({ track, schema = 'public' }: MigrateOptions) => sql.id(schema, ledgerName(track));
