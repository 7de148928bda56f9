import { inAllOrganizations } from '@mad/core';
import { type FleetMember, type FleetPlatform, inMemberDatabase } from './fleet-platform.ts';
import { NOTED } from './noting-track.ts';

/** What became of one organization, by its own database and by the Metadata DB. */
export interface MemberRecord {
  /** Newest migration of the database's own ledger. */
  readonly version: string;
  /** How often the last migration ran there, and was committed. */
  readonly runs: number;
  /** Whether `org_databases` and the run's ledger tell the same. */
  readonly isToldTruly: boolean;
  readonly attempts: number;
}

export async function readMember(
  platform: FleetPlatform,
  { orgId, database }: FleetMember,
  fleetMigrationId: string,
): Promise<MemberRecord> {
  const { version, runs } = await inMemberDatabase(platform, database, async (client) => {
    const { rows } = await client.query<{ version: string; runs: number }>(
      `select (select max(name collate "C") from mad_results_migrations) as version,
        (select count(*)::int from migrations_run where name = $1) as runs`,
      [NOTED],
    );
    return rows[0] ?? { version: '', runs: 0 };
  });
  const told = await inAllOrganizations(platform.metadata, (tx) =>
    tx
      .selectFrom('fleet_migration_organizations as f')
      .innerJoin('org_databases as d', 'd.org_id', 'f.org_id')
      .select(['f.state', 'f.to_version', 'f.attempts', 'f.holder', 'd.state as database_state', 'd.schema_version'])
      .where('f.org_id', '=', orgId)
      .where('f.fleet_migration_id', '=', fleetMigrationId)
      .executeTakeFirst(),
  );
  const isOver = told?.state === 'done' && told.database_state === 'ready' && told.holder === null;
  const isToldTruly = isOver && told.to_version === version && told.schema_version === version;
  return { version, runs, isToldTruly, attempts: told?.attempts ?? 0 };
}
