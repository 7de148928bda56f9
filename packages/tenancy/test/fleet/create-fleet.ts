import {
  inAllOrganizations,
  insertOrganization,
  insertOrgDatabase,
  type MetadataDatabase,
  type MigrationTrack,
  migrateResults,
  newId,
  type OrganizationStatus,
  type OrgId,
  resultsTrack,
} from '@mad/core';
import { type Kysely, sql } from 'kysely';

export const AT_FIRST = Object.keys(resultsTrack.migrations).at(-1) ?? '';

export interface FleetMember {
  readonly orgId: OrgId;
  readonly schema: string;
}

/** Organizations at the newest version of today, as schemas of the Metadata DB's own server. Each has a table without keys that tells how often a migration ran. */
export async function createFleet(
  metadata: MetadataDatabase,
  {
    size,
    status = 'active',
    db = metadata as unknown as Kysely<unknown>,
  }: { size: number; status?: OrganizationStatus; db?: Kysely<unknown> },
): Promise<readonly FleetMember[]> {
  const members: FleetMember[] = [];
  for (let i = 0; i < size; i++) {
    const orgId = newId();
    const schema = `org_${orgId.replaceAll('-', '')}`;
    await migrateResults(db, { schema, orgId });
    await sql`create table ${sql.id(schema, 'migrations_run')} (name text not null)`.execute(db);
    await inAllOrganizations(metadata, async (tx) => {
      await insertOrganization(tx, { org_id: orgId, name: schema, status });
      const place = { placement: 'schema', cluster: 'main', schema_name: schema } as const;
      await insertOrgDatabase(tx, { org_id: orgId, ...place, state: 'ready', schema_version: AT_FIRST });
    });
    members.push({ orgId, schema });
  }
  return members;
}

/** Today's track and one migration more, which does `sqlText` and notes that it ran. */
export function trackWith(name: string, sqlText = `alter table jobs add column "${name}" text`): MigrationTrack {
  return {
    name: 'results',
    migrations: { ...resultsTrack.migrations, [name]: { up: (db) => run(db, name, sqlText) } },
  };
}

async function run(db: Kysely<unknown>, name: string, sqlText: string): Promise<void> {
  await sql.raw(sqlText).execute(db);
  await sql`insert into migrations_run values (${name})`.execute(db);
}

/** How often each migration ran in the organization's schema, and was committed. */
export async function readRuns<Tables>(db: Kysely<Tables>, { schema }: FleetMember): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.id(schema, 'migrations_run')}`.execute(db);
  return rows.map(({ name }) => name);
}

/** The directory's word on every organization, and the newest run's. */
export async function readLedger(metadata: MetadataDatabase, fleetMigrationId: string) {
  return inAllOrganizations(metadata, (tx) =>
    tx
      .selectFrom('fleet_migration_organizations as f')
      .innerJoin('org_databases as d', 'd.org_id', 'f.org_id')
      .select([
        'f.org_id',
        'f.wave',
        'f.state',
        'f.from_version',
        'f.to_version',
        'f.attempts',
        'f.error_code',
        'f.holder',
      ])
      .select(['d.state as database_state', 'd.schema_version', 'd.error'])
      .where('f.fleet_migration_id', '=', fleetMigrationId)
      .orderBy('f.org_id')
      .execute(),
  );
}
