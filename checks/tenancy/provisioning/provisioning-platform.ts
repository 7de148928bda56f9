import { randomBytes } from 'node:crypto';
import { connectPostgres, type MetadataDatabase, migrateMetadata } from '@mad/core';
import type { Clusters } from '@mad/tenancy';
import { createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';

/** How a process reaches a platform that another one has made. */
export interface PlatformUrls {
  readonly metadataUrl: string;
  /** Of the cluster's default database, as a login that may make databases and is no superuser. */
  readonly clusterUrl: string;
}

/** The metadata and one cluster, `main`. */
export interface OpenPlatform extends AsyncDisposable {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
}

export interface ProvisioningPlatform extends OpenPlatform, PlatformUrls {
  /** The cluster's default database, as its login. */
  readonly cluster: Kysely<unknown>;
  readonly connections: number;
}

export function openPlatform({ metadataUrl, clusterUrl }: PlatformUrls): OpenPlatform {
  const metadata = connectPostgres({ connectionString: metadataUrl, max: 8 });
  const connect = (database?: string) => ({
    connectionString: database === undefined ? clusterUrl : atDatabase(clusterUrl, database),
  });
  return {
    metadata: metadata as unknown as MetadataDatabase,
    clusters: { main: { kind: 'postgres', connect } },
    [Symbol.asyncDispose]: () => metadata.destroy(),
  };
}

/** A Metadata DB, and a cluster beside it whose login owns nothing yet. Disposing drops all that the login owns. */
export async function createProvisioningPlatform(connections = 4): Promise<ProvisioningPlatform> {
  await using stack = new AsyncDisposableStack();
  const { db, url: metadataUrl } = stack.use(
    await createPostgresDatabase({ name: 'tenancy_checks', fill: migrateMetadata }),
  );
  const login = `mad_check_${randomBytes(6).toString('hex')}`;
  await sql`create role ${sql.id(login)} login createdb`.execute(db);
  stack.defer(() => dropLogin(db, login));
  await sql`create database ${sql.id(login)} owner ${sql.id(login)}`.execute(db);
  const clusterUrl = atDatabase(metadataUrl, login).replace(/\/\/[^@/]*@/, `//${login}@`);
  const cluster = connectPostgres({ connectionString: clusterUrl, max: connections });
  stack.defer(() => cluster.destroy());
  const urls = { metadataUrl, clusterUrl };
  const platform = stack.use(openPlatform(urls));
  const owned = stack.move();
  return { ...platform, ...urls, cluster, connections, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function dropLogin(db: Kysely<unknown>, login: string): Promise<void> {
  const { rows } = await sql<{ name: string; template: boolean }>`
    select datname as name, datistemplate as template from pg_database where datdba = ${login}::regrole`.execute(db);
  for (const { name, template } of rows) {
    if (template) await sql`alter database ${sql.id(name)} with is_template false`.execute(db);
    await sql`drop database ${sql.id(name)} with (force)`.execute(db);
  }
  await sql`drop role ${sql.id(login)}`.execute(db);
}

export const atDatabase = (url: string, database: string): string => url.replace(/\/[^/?]*(\?|$)/, `/${database}$1`);
