import {
  type ClaimedOrganization,
  type Clock,
  type FleetOutcome,
  findSqlState,
  isMadError,
  type Logger,
  SQLSTATE,
} from '@mad/core';
import { type MigrateDatabase, migrateDatabase } from './migrate-database.ts';

/** Pauses after an attempt that found tables locked or the server full, in multiples of the lock's time. */
const PAUSES = [1, 2, 4];

/** States of a moment: with others at work on the same tables, and with too many connections. */
const BUSY: readonly (string | undefined)[] = [SQLSTATE.lockNotAvailable, '40P01', '53300'];

export interface MigrateOrganization extends MigrateDatabase {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** Migrates one organization's Results DB and tells what became of it; never throws. When the signal stops it between two attempts it gives the claim back. */
export async function migrateOrganization(
  claim: ClaimedOrganization,
  options: MigrateOrganization,
): Promise<FleetOutcome> {
  const { clock, logger, signal, lockTimeoutMs } = options;
  const { org_id: orgId } = claim;
  for (const pause of [...PAUSES, undefined]) {
    try {
      const version = await migrateDatabase(claim, options);
      return { orgId, state: 'done', version, errorCode: null, errorMessage: null };
    } catch (error) {
      if (pause === undefined || !isBusy(error)) {
        const { errorCode, errorMessage } = describe(error);
        logger.warn({ orgId, errorCode, errorMessage }, 'a Results DB could not be migrated');
        return { orgId, state: 'failed', version: null, errorCode, errorMessage };
      }
      const gaveUp = await clock.sleep(pause * lockTimeoutMs, signal).catch(() => 'stopped');
      if (gaveUp) break;
    }
  }
  return givenBack(orgId);
}

/** A claim that nothing was done with. */
export function givenBack(orgId: string): FleetOutcome {
  return { orgId, state: 'pending', version: null, errorCode: null, errorMessage: null };
}

function isBusy(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return BUSY.includes(findSqlState(error) ?? findSqlState(cause));
}

/** What may be told: any other message may hold whatever a host's own function was called with. */
function describe(error: unknown): { errorCode: string; errorMessage: string } {
  const cause = error instanceof Error ? error.cause : undefined;
  const state = findSqlState(error) ?? findSqlState(cause);
  if (state === SQLSTATE.lockNotAvailable) {
    const errorMessage = 'its tables stayed locked by other transactions; look for those that stay open';
    return { errorCode: state, errorMessage };
  }
  if (isMadError(error)) return { errorCode: error.code, errorMessage: error.message };
  if (state !== undefined && error instanceof Error) return { errorCode: state, errorMessage: error.message };
  return { errorCode: 'UNKNOWN', errorMessage: 'an error that is not of the database; its text is not kept' };
}
