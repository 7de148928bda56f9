import { randomBytes } from 'node:crypto';
import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import type { MetadataDatabase } from '../../src/metadata/metadata-database.ts';
import { migrateMetadata } from '../../src/metadata/metadata-track.ts';
import type { SharedMetadataTables } from '../../src/metadata/tables/metadata-tables.ts';

export type Disposable = AsyncDisposable & { readonly db: MetadataDatabase };

/** A real server's Metadata DB; its login is a superuser. */
export const metadataTemplate = { name: 'metadata', fill: (db: Kysely<SharedMetadataTables>) => migrateMetadata(db) };

/** Runs the same tests on PGlite and on a real server: there by a superuser, and by the ordinary login that owns the database. */
export function describeOnEachDatabase(tests: (db: () => MetadataDatabase) => void): void {
  const databases = [
    { name: 'PGlite', create: async () => createMigratedPglite() },
    { name: 'PostgreSQL', create: () => createPostgresDatabase(metadataTemplate) },
    { name: 'PostgreSQL as the ordinary owner', create: createOwnedDatabase },
  ];
  describe.each(databases)('on $name', ({ create }) => {
    let database: Disposable;
    beforeAll(async () => {
      database = await create();
    });
    afterAll(() => database[Symbol.asyncDispose]());
    tests(() => database.db);
  });
}

/** A Metadata DB in memory. */
export function createMigratedPglite(): Disposable {
  return createPgliteDatabase(metadataTemplate);
}

/** A Metadata DB that an ordinary login owns and migrated. The login inherits what both roles may do: the widest an owner can be. */
export async function createOwnedDatabase(): Promise<Disposable & { readonly login: string }> {
  const database = await createPostgresDatabase();
  const login = `mad_owner_${randomBytes(6).toString('hex')}`;
  await sql`create role ${sql.id(login)} login createrole password 'ordinary'`.execute(database.db);
  await sql`alter database ${sql.id(databaseName(database.url))} owner to ${sql.id(login)}`.execute(database.db);
  const owner = openAs(database.url, login);
  await migrateMetadata(owner);
  await sql`grant mad_organization, mad_operator to ${sql.id(login)}`.execute(database.db);
  return {
    db: owner,
    login,
    async [Symbol.asyncDispose]() {
      await owner.destroy();
      await sql`drop owned by ${sql.id(login)} cascade`.execute(database.db);
      await sql`alter database ${sql.id(databaseName(database.url))} owner to current_user`.execute(database.db);
      await sql`drop role ${sql.id(login)}`.execute(database.db);
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The same database by another login. */
export function openAs(url: string, login: string): MetadataDatabase {
  const pool = new Pool({ connectionString: url.replace(/\/\/[^@/]*@/, `//${login}:ordinary@`), max: 8 });
  pool.on('error', () => {});
  return new Kysely<SharedMetadataTables>({ dialect: new PostgresDialect({ pool }) });
}

const databaseName = (url: string): string => url.replace(/^.*\/([^/?]+)(\?.*)?$/, '$1');
