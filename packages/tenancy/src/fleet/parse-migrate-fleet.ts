import { checkRequest, type MigrationTrack, type OrgId, resultsTrack } from '@mad/core';
import { z } from 'zod';
import type { FleetWave } from './assign-waves.ts';
import type { FleetProgress } from './fleet-progress.ts';
import { newestVersion } from './newest-version.ts';

/** How to migrate the fleet. A call that goes on with an open run takes its waves and `maxFailures` from that. */
export interface MigrateFleet {
  /** The user who asks for it; null for a program. */
  readonly actor: string | null;
  /** A wave begins when the one before is over. With `{percent: 100}` at the end, organizations that come meanwhile join it. @default [{count: 1}, {percent: 10}, {percent: 100}] */
  readonly waves?: readonly FleetWave[] | undefined;
  /** Results DBs that this process migrates at a time, each on one connection. @default 8 */
  readonly concurrency?: number | undefined;
  /** The same of one cluster. @default concurrency */
  readonly concurrencyPerCluster?: number | undefined;
  /**
   * How long a migration waits for the lock on a table while later queries of the organization queue behind it. It then gives way and tries
   * again after once, twice and four times this pause; after that the organization counts as failed. @default 5_000
   */
  readonly lockTimeoutMs?: number | undefined;
  /** With more failures in the waves so far no further wave begins. @default 0 */
  readonly maxFailures?: number | undefined;
  /** How long an organization stays with a process that gives no sign of life. @default 30_000 */
  readonly leaseMs?: number | undefined;
  /** Every process of the platform must know its migrations: they run by this code. @default resultsTrack */
  readonly track?: MigrationTrack | undefined;
  /** Stops the call; what it is at is brought to its end first. The run stays open. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FleetProgress) => void) | undefined;
}

const schema = z.strictObject({
  actor: z.uuid().nullable(),
  waves: z
    .array(
      z.union([
        z.strictObject({ organizations: z.array(z.uuid().toLowerCase()).min(1).max(1_000) }),
        z.strictObject({ count: z.int().positive() }),
        z.strictObject({ percent: z.number().positive().max(100) }),
      ]),
    )
    .min(1)
    .max(50)
    .default([{ count: 1 }, { percent: 10 }, { percent: 100 }]),
  concurrency: z.int().min(1).max(500).default(8),
  concurrencyPerCluster: z.int().min(1).max(500).optional(),
  lockTimeoutMs: z.int().min(1).max(3_600_000).default(5_000),
  maxFailures: z.int().nonnegative().max(2_147_483_647).default(0),
  leaseMs: z.int().min(300).max(86_400_000).default(30_000),
  track: z
    .custom<MigrationTrack>((value) => typeof value === 'object' && value !== null && 'migrations' in value)
    .default(resultsTrack),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(progress: FleetProgress) => void>((value) => typeof value === 'function').optional(),
});

/** A request whose defaults are filled in. */
export interface FleetOptions {
  readonly actor: string | null;
  readonly waves: readonly FleetWave[];
  readonly concurrency: number;
  readonly concurrencyPerCluster: number;
  readonly lockTimeoutMs: number;
  readonly maxFailures: number;
  readonly leaseMs: number;
  readonly track: MigrationTrack;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: MigrateFleet['onProgress'];
  /** Name of the track's newest migration. */
  readonly target: string;
}

/** @throws {ValidationFailedError} */
export function parseMigrateFleet(request: MigrateFleet): FleetOptions {
  const data = checkRequest(schema, { subject: 'fleet migration', value: request });
  const { concurrency, concurrencyPerCluster = concurrency, signal, onProgress } = data;
  return { ...data, concurrencyPerCluster, signal, onProgress, target: newestVersion(data.track) };
}

/** The organizations that waves name. */
export function namedOrganizations(waves: readonly FleetWave[]): readonly OrgId[] {
  return waves.flatMap((wave) => ('organizations' in wave ? wave.organizations : []));
}
