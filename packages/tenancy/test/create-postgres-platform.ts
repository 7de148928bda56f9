import { inAllOrganizations, type MetadataDatabase, migrateMetadata } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import type { Clusters } from '../src/index.ts';

export interface PostgresPlatform extends AsyncDisposable {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  readonly url: string;
  readonly databaseUrl: (database: string) => string;
}

/** A Metadata DB on the real server, which is its one cluster too. Disposing drops the databases of its organizations. */
export async function createPostgresPlatform(applicationName = 'mad tests'): Promise<PostgresPlatform> {
  const database = await createPostgresDatabase({ name: 'tenancy_metadata', fill: migrateMetadata });
  const metadata = database.db as unknown as MetadataDatabase;
  const databaseUrl = (name: string) => database.url.replace(/mad_test_\w+/, name);
  const connect = (name?: string) => ({
    connectionString: name === undefined ? database.url : databaseUrl(name),
    application_name: applicationName,
  });
  return {
    metadata,
    clusters: { main: { kind: 'postgres', connect } },
    url: database.url,
    databaseUrl,
    async [Symbol.asyncDispose]() {
      const made = await inAllOrganizations(metadata, (tx) =>
        tx.selectFrom('org_databases').select('database_name').where('database_name', 'is not', null).execute(),
      );
      for (const { database_name } of made)
        await sql`drop database if exists ${sql.id(database_name ?? '')} with (force)`.execute(metadata);
      await database[Symbol.asyncDispose]();
    },
  };
}
