import {
  connectPostgres,
  inAllOrganizations,
  insertOrganization,
  insertOrgDatabase,
  type MigrationTrack,
  migrateResults,
  newId,
  type OrgId,
  resultsTrack,
} from '@mad/core';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import {
  atDatabase,
  createProvisioningPlatform,
  type ProvisioningPlatform,
} from '../provisioning/provisioning-platform.ts';

/** An organization with a database of its own. */
export interface FleetMember {
  readonly orgId: OrgId;
  readonly database: string;
}

export interface FleetPlatform extends ProvisioningPlatform {
  readonly members: readonly FleetMember[];
}

const NEWEST = Object.keys(resultsTrack.migrations).sort().at(-1) ?? '';

/**
 * Active organizations, each with a copy of one Results DB at the newest version and nothing else. A table of it without any key tells how often
 * each migration ran.
 */
export async function createFleetPlatform(size: number): Promise<FleetPlatform> {
  await using stack = new AsyncDisposableStack();
  const platform = stack.use(await createProvisioningPlatform());
  const template = `fleet_${newId()}`;
  await sql`create database ${sql.id(template)}`.execute(platform.cluster);
  const filled = connectPostgres({ connectionString: atDatabase(platform.clusterUrl, template), max: 1 });
  await migrateResults(filled);
  await sql`create table migrations_run (name text not null)`.execute(filled);
  await filled.destroy();
  const members = Array.from({ length: size }, () => newId()).map((orgId) => ({ orgId, database: `fleet_${orgId}` }));
  for (const { orgId, database } of members) {
    await sql`create database ${sql.id(database)} template ${sql.id(template)}`.execute(platform.cluster);
    await inMemberDatabase(platform, database, (client) =>
      client.query('insert into results_database (org_id) values ($1)', [orgId]),
    );
  }
  await inAllOrganizations(platform.metadata, async (tx) => {
    for (const { orgId, database } of members) {
      await insertOrganization(tx, { org_id: orgId, name: database, status: 'active' });
      const place = { placement: 'database', cluster: 'main', database_name: database } as const;
      await insertOrgDatabase(tx, { org_id: orgId, ...place, state: 'ready', schema_version: NEWEST });
    }
  });
  const owned = stack.move();
  return { ...platform, members, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** On a connection of its own, as any client that is new to a database. */
export async function inMemberDatabase<T>(
  { clusterUrl }: Pick<ProvisioningPlatform, 'clusterUrl'>,
  database: string,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: atDatabase(clusterUrl, database) });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/** Today's migrations and one more, of these statements. */
export function trackWith(name: string, statements: readonly string[]): MigrationTrack {
  const up = async (db: Kysely<unknown>): Promise<void> => {
    for (const statement of statements) await sql.raw(statement).execute(db);
  };
  return { name: 'results', migrations: { ...resultsTrack.migrations, [name]: { up } } };
}
