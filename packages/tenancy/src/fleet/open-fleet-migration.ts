import {
  addFleetOrganizations,
  ConflictError,
  type FleetMigrationRow,
  findOpenFleetMigration,
  getOrgDatabase,
  inAllOrganizations,
  insertFleetMigration,
  listOrganizationsToAdd,
  lockFleet,
  type MetadataDatabase,
  newId,
  type OperatorTransaction,
  recordOperatorAudit,
  updateFleetMigration,
} from '@mad/core';
import { assignWaves } from './assign-waves.ts';
import { type FleetOptions, namedOrganizations } from './parse-migrate-fleet.ts';

/**
 * The open run to this target, also one that was paused; else a new one with everybody who is behind. An open run to an older target ends: a
 * newer program has come.
 * @throws {ConflictError} when the open run goes to a newer target.
 * @throws {NotFoundError} when a wave names an organization that has no Results DB.
 */
export function openFleetMigration(metadata: MetadataDatabase, options: FleetOptions): Promise<FleetMigrationRow> {
  return inAllOrganizations(metadata, async (tx) => {
    await lockFleet(tx);
    const open = await findOpenFleetMigration(tx);
    if (open === undefined) return begin(tx, options);
    const { fleet_migration_id: fleetMigrationId, target, status } = open;
    if (target > options.target) {
      const hint = `it brings the fleet to ${target}, which this program does not know yet; run a program that does`;
      throw new ConflictError({ entity: 'fleet migration', id: fleetMigrationId, hint });
    }
    if (target < options.target) {
      await updateFleetMigration(tx, { fleetMigrationId, set: { status: 'superseded', ended: true } });
      await audit(tx, options, { action: 'fleet.supersede', fleetMigrationId, target });
      return begin(tx, options);
    }
    if (status === 'running') return open;
    await audit(tx, options, { action: 'fleet.resume', fleetMigrationId, target });
    return updateFleetMigration(tx, { fleetMigrationId, set: { status: 'running' } });
  });
}

async function begin(tx: OperatorTransaction, options: FleetOptions): Promise<FleetMigrationRow> {
  const { waves, target, actor, maxFailures } = options;
  // A name that was mistyped would let the next wave begin without its canary.
  for (const orgId of namedOrganizations(waves)) await getOrgDatabase(tx, { orgId });
  const last = waves.at(-1);
  const run = await insertFleetMigration(tx, {
    fleet_migration_id: newId(),
    target,
    waves: waves.length,
    takes_all: last !== undefined && 'percent' in last && last.percent === 100,
    max_failures: maxFailures,
    started_by: actor,
  });
  const fleetMigrationId = run.fleet_migration_id;
  const organizations = assignWaves(await listOrganizationsToAdd(tx, { fleetMigrationId, target }), waves);
  await addFleetOrganizations(tx, { fleetMigrationId, organizations });
  await audit(tx, options, { action: 'fleet.migrate', fleetMigrationId, target, organizations: organizations.length });
  return run;
}

interface AuditedRun {
  readonly action: string;
  readonly fleetMigrationId: string;
  readonly target: string;
  readonly organizations?: number;
}

function audit(
  tx: OperatorTransaction,
  { actor }: FleetOptions,
  { action, fleetMigrationId, ...facts }: AuditedRun,
): Promise<void> {
  const entity = { entityType: 'fleet_migration', entityId: fleetMigrationId };
  return recordOperatorAudit(tx, { orgId: null, actor }, { action, ...entity, facts: { ...facts } });
}
