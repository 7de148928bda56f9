import { randomInt } from 'node:crypto';
import { migrateFleet } from '@mad/tenancy';
import type { Check } from '../check.ts';
import { runUntilDeath } from '../run-until-death.ts';
import { createFleetPlatform, type FleetPlatform } from './fleet/fleet-platform.ts';
import type { FleetProcess } from './fleet/fleet-process.ts';
import { NOTED, NOTING_TRACK } from './fleet/noting-track.ts';
import { readMember } from './fleet/read-member.ts';

/** Killed from before it has begun to where it has migrated a few: the fleet must outlast all the processes. */
const SIZES = {
  full: { organizations: 100, kills: 20, diesAfterMs: [50, 650] },
  small: { organizations: 8, kills: 2, diesAfterMs: [10, 100] },
} as const;

const SCRIPT = new URL('fleet/fleet-process.ts', import.meta.url);
const LEASE_MS = 600;
const DIES_WITHIN_MS = 30_000;

/**
 * A process that migrates the fleet is killed with SIGKILL at a random moment, and the next one goes on, again and again. At the end every
 * database must be migrated, no migration have run twice, and the ledger tell what each database tells.
 */
export const fleetCheck: Check = {
  name: 'fleet',
  async run(size, print) {
    const { organizations, kills, diesAfterMs } = SIZES[size];
    await using platform = await createFleetPlatform(organizations);
    const { metadataUrl, clusterUrl, members } = platform;
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      const told: FleetProcess = {
        metadataUrl,
        clusterUrl,
        leaseMs: LEASE_MS,
        dieAfterMs: randomInt(diesAfterMs[0], diesAfterMs[1]),
      };
      if (await runUntilDeath({ script: SCRIPT, told, withinMs: DIES_WITHIN_MS })) killed++;
      else print(`process ${i + 1} came to its end before it was killed`);
    }
    const { fleetMigrationId, failed } = await finish(platform);
    for (const { orgId, errorMessage } of failed) print(`${orgId}: ${errorMessage}`);
    const records = [];
    for (const member of members) records.push(await readMember(platform, member, fleetMigrationId));
    const migrated = records.filter(({ version, runs }) => version === NOTED && runs > 0).length;
    const twice = records.filter(({ runs }) => runs > 1).length;
    const truly = records.filter(({ isToldTruly }) => isToldTruly).length;
    const again = records.filter(({ attempts }) => attempts > 1).length;
    return {
      passed: [migrated, truly].every((n) => n === organizations) && twice === 0 && killed === kills,
      line:
        `fleet killed ${killed} of ${kills} times, ${migrated}/${organizations} migrated, ${twice} twice; ` +
        `the ledger true of ${truly}/${organizations}, ${again} were taken up again`,
      figures: { organizations, kills, killed, migrated, twice, truly, again },
    };
  },
};

/** Two at once end what the killed ones have left. */
async function finish(platform: FleetPlatform) {
  const request = { actor: null, track: NOTING_TRACK, leaseMs: LEASE_MS };
  const [outcome] = await Promise.all([migrateFleet(platform, request), migrateFleet(platform, request)]);
  return outcome;
}
