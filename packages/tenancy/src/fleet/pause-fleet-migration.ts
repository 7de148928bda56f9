import {
  checkRequest,
  findOpenFleetMigration,
  inAllOrganizations,
  lockFleet,
  NotFoundError,
  recordOperatorAudit,
  updateFleetMigration,
} from '@mad/core';
import { z } from 'zod';
import type { FleetContext } from './fleet-context.ts';

/** Who asks for the pause; null for a program. */
export interface PauseFleetMigration {
  readonly actor: string | null;
}

const requestSchema = z.object({ actor: z.uuid('expected the id of a user, or null').nullable() });

/**
 * Pauses the open run in all processes that share it: each brings the databases it is at to their end and takes no more. `migrateFleet` goes on.
 * Returns the run's id.
 * @throws {NotFoundError} when no run is open. @throws {ValidationFailedError}
 */
export function pauseFleetMigration(
  { metadata }: Pick<FleetContext, 'metadata'>,
  { actor }: PauseFleetMigration,
): Promise<string> {
  checkRequest(requestSchema, { subject: 'pause of the fleet migration', value: { actor } });
  return inAllOrganizations(metadata, async (tx) => {
    await lockFleet(tx);
    const open = await findOpenFleetMigration(tx);
    if (open === undefined) throw noneOpen();
    const { fleet_migration_id: fleetMigrationId, target } = open;
    // The run may end in this moment: then there is nothing left to pause.
    const { ended_at } = await updateFleetMigration(tx, { fleetMigrationId, set: { status: 'paused' } });
    if (ended_at !== null) throw noneOpen();
    const entity = { entityType: 'fleet_migration', entityId: fleetMigrationId };
    await recordOperatorAudit(tx, { orgId: null, actor }, { action: 'fleet.pause', ...entity, facts: { target } });
    return fleetMigrationId;
  });
}

const noneOpen = (): NotFoundError =>
  new NotFoundError({ entity: 'fleet migration', id: 'to pause', where: 'this platform', hint: 'none is open' });
