import {
  countOrganizationsBehind,
  type FleetMigrationRow,
  type FleetMigrationStatus,
  inAllOrganizations,
  listFleetOrganizations,
  type MetadataDatabase,
  newId,
  type OrgId,
  silentLogger,
  systemClock,
} from '@mad/core';
import { ClaimedWork } from './claimed-work.ts';
import { type Exchanged, exchangeClaims } from './exchange-claims.ts';
import type { FleetContext } from './fleet-context.ts';
import { sumCounts, toProgress } from './fleet-progress.ts';
import { migrateOrganization } from './migrate-organization.ts';
import { openFleetMigration } from './open-fleet-migration.ts';
import { type FleetOptions, type MigrateFleet, parseMigrateFleet } from './parse-migrate-fleet.ts';

/** How often a process tells what it did and holds what it has, at least. */
const TELLS_EVERY_MS = 250;

/** How a call ended. */
export interface FleetMigrationOutcome {
  readonly fleetMigrationId: string;
  /** Name of the migration that the fleet was to reach. */
  readonly target: string;
  /**
   * `done`: every wave is over; `stopped`: by more failures than allowed; `paused`: by an operator, and the same call goes on; `superseded`: a
   * newer program began a run of its own.
   */
  readonly status: Exclude<FleetMigrationStatus, 'running'>;
  readonly done: number;
  /** Who failed and why; nothing was changed there, and the version before serves on. The next run tries again. */
  readonly failed: readonly FailedOrganization[];
  /** Active and suspended organizations that are behind the target now, in this run or not. */
  readonly behind: number;
}

/** Why an organization was not migrated. */
export interface FailedOrganization {
  readonly orgId: OrgId;
  /** Code of a MadError, or a SQLSTATE. */
  readonly errorCode: string;
  readonly errorMessage: string;
}

/**
 * Brings the Results DBs of all active and suspended organizations to the newest version, wave after wave. The run and what became of each
 * organization are rows of the Metadata DB: after a crash the same call goes on where it was, and several processes that call at once share
 * the work. No migration runs twice on a database. Organizations are served on meanwhile, by the version before until their own is done.
 * @throws {ConflictError} when a run to a newer version is open.
 * @throws {NotFoundError} when a wave names an organization that has no Results DB.
 * @throws {ValidationFailedError} @throws what aborted the signal; the run stays open.
 */
export async function migrateFleet(context: FleetContext, request: MigrateFleet): Promise<FleetMigrationOutcome> {
  const options = parseMigrateFleet(request);
  const { metadata, logger = silentLogger } = context;
  options.signal?.throwIfAborted();
  const run = await openFleetMigration(metadata, options);
  const facts = { fleetMigrationId: run.fleet_migration_id, target: run.target };
  logger.info(facts, 'fleet migration at work');
  const { status, counts } = await work(context, options, run);
  options.signal?.throwIfAborted();
  if (status === 'running') return migrateFleet(context, request);
  const outcome = { ...facts, status, done: sumCounts(counts, 'done') };
  const failed = sumCounts(counts, 'failed') > 0 ? await listFailed(metadata, facts) : [];
  const behind = await inAllOrganizations(metadata, (tx) => countOrganizationsBehind(tx, run));
  logger.info({ ...outcome, failed: failed.length, behind }, 'fleet migration at its end');
  return { ...outcome, failed, behind };
}

/** Works on the run until it ends, is paused or the signal stops it. */
async function work(context: FleetContext, options: FleetOptions, run: FleetMigrationRow): Promise<Exchanged> {
  const { metadata, clusters, logger = silentLogger, clock = systemClock } = context;
  const { leaseMs, actor, signal, onProgress, concurrency, concurrencyPerCluster } = options;
  const worker = { fleetMigrationId: run.fleet_migration_id, holder: newId(), leaseMs, actor };
  const claimed = new ClaimedWork({
    concurrency,
    concurrencyPerCluster,
    migrate: (claim) => migrateOrganization(claim, { ...options, clusters, logger, clock }),
  });
  const wake = (): void => claimed.wake();
  signal?.addEventListener('abort', wake);
  const started = performance.now();
  const exchange = async (room: number): Promise<Exchanged> => {
    const state = await exchangeClaims(metadata, worker, { outcomes: claimed.takeOutcomes(), room });
    claimed.add(state.claimed);
    onProgress?.(toProgress(run, state.counts, performance.now() - started));
    return state;
  };
  try {
    let state = await exchange(claimed.room);
    while (state.status === 'running' && !signal?.aborted) {
      await claimed.untilChange(Math.min(TELLS_EVERY_MS, leaseMs / 3));
      state = await exchange(claimed.room);
    }
    await claimed.stop();
    return claimed.hasOutcomes ? await exchange(0) : state;
  } catch (error) {
    await claimed.stop();
    await exchangeClaims(metadata, worker, { outcomes: claimed.takeOutcomes(), room: 0 }).catch(() =>
      logger.error(worker, 'what was migrated could not be told; the next call looks for itself'),
    );
    throw error;
  } finally {
    signal?.removeEventListener('abort', wake);
  }
}

async function listFailed(
  metadata: MetadataDatabase,
  { fleetMigrationId }: { readonly fleetMigrationId: string },
): Promise<readonly FailedOrganization[]> {
  return inAllOrganizations(metadata, async (tx) => {
    const failed: FailedOrganization[] = [];
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await listFleetOrganizations(tx, { fleetMigrationId, state: 'failed', limit: 500, cursor });
      for (const { org_id, error_code, error_message } of page.items)
        failed.push({ orgId: org_id, errorCode: error_code ?? 'UNKNOWN', errorMessage: error_message ?? '' });
      cursor = page.nextCursor;
      more = cursor !== undefined;
    }
    return failed;
  });
}
