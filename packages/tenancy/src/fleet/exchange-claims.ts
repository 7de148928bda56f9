import {
  addFleetOrganizations,
  type ClaimedOrganization,
  claimFleetOrganizations,
  countFleetOrganizations,
  dropUnreachable,
  type FleetCount,
  type FleetMigrationRow,
  type FleetMigrationStatus,
  type FleetOutcome,
  finishFleetOrganizations,
  inAllOrganizations,
  listOrganizationsToAdd,
  lockFleetMigration,
  type MetadataDatabase,
  type OperatorTransaction,
  recordOperatorAudit,
  renewFleetClaims,
  updateFleetMigration,
} from '@mad/core';
import { findOpenWave, isFreshWave, sumCounts } from './fleet-progress.ts';

/** A process at work on a run. */
export interface FleetWorker {
  readonly fleetMigrationId: string;
  readonly holder: string;
  readonly leaseMs: number;
  readonly actor: string | null;
}

export interface Exchange {
  /** What became of earlier claims. */
  readonly outcomes: readonly FleetOutcome[];
  /** How many organizations to take, at most. */
  readonly room: number;
}

export interface Exchanged {
  readonly status: FleetMigrationStatus;
  readonly counts: readonly FleetCount[];
  /** None unless the run is running. */
  readonly claimed: readonly ClaimedOrganization[];
}

/**
 * Writes what was done, renews what is held and takes more of the wave that is at work, all in one transaction: it costs several times one
 * migration's look. Ends the run after its last wave, and before a wave that too many failures forbid.
 */
export function exchangeClaims(
  metadata: MetadataDatabase,
  worker: FleetWorker,
  { outcomes, room }: Exchange,
): Promise<Exchanged> {
  return inAllOrganizations(metadata, async (tx) => {
    const run = await lockFleetMigration(tx, worker);
    await finishFleetOrganizations(tx, { ...worker, outcomes });
    await renewFleetClaims(tx, worker);
    if (run.status === 'running') return takeMore(tx, { run, worker, room });
    return { status: run.status, counts: await countFleetOrganizations(tx, worker), claimed: [] };
  });
}

interface TakeMore {
  readonly run: FleetMigrationRow;
  readonly worker: FleetWorker;
  readonly room: number;
}

async function takeMore(tx: OperatorTransaction, { run, worker, room }: TakeMore): Promise<Exchanged> {
  const counts = await countFleetOrganizations(tx, worker);
  const wave = findOpenWave(counts);
  const tooMany = sumCounts(counts, 'failed') > run.max_failures;
  if (tooMany && (wave === undefined || isFreshWave(counts, wave)))
    return end(tx, worker, { status: 'stopped', counts });
  if (wave === undefined) {
    if (run.takes_all && (await addNewcomers(tx, run))) return takeMore(tx, { run, worker, room });
    return end(tx, worker, { status: 'done', counts });
  }
  const claimed = room > 0 ? await claimFleetOrganizations(tx, { ...worker, wave, limit: room }) : [];
  if (room > 0 && claimed.length === 0 && (await dropUnreachable(tx, worker)))
    return takeMore(tx, { run, worker, room });
  return { status: run.status, counts, claimed };
}

/** Whoever is behind now, provisioned by an older program or moved meanwhile, joins the last wave. */
async function addNewcomers(tx: OperatorTransaction, run: FleetMigrationRow): Promise<boolean> {
  const { fleet_migration_id: fleetMigrationId, target, waves } = run;
  const orgIds = await listOrganizationsToAdd(tx, { fleetMigrationId, target });
  const organizations = orgIds.map((orgId) => ({ orgId, wave: waves - 1 }));
  await addFleetOrganizations(tx, { fleetMigrationId, organizations });
  return organizations.length > 0;
}

async function end(
  tx: OperatorTransaction,
  { fleetMigrationId, actor }: FleetWorker,
  { status, counts }: { readonly status: 'done' | 'stopped'; readonly counts: readonly FleetCount[] },
): Promise<Exchanged> {
  await updateFleetMigration(tx, { fleetMigrationId, set: { status, ended: true } });
  const facts = { status, done: sumCounts(counts, 'done'), failed: sumCounts(counts, 'failed') };
  await recordOperatorAudit(
    tx,
    { orgId: null, actor },
    { action: 'fleet.end', entityType: 'fleet_migration', entityId: fleetMigrationId, facts },
  );
  return { status, counts, claimed: [] };
}
