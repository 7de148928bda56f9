import { migrateFleet } from '@mad/tenancy';
import type { Check } from '../check.ts';
import { inParallel } from '../executor/work/in-parallel.ts';
import { createFleetPlatform, type FleetPlatform, inMemberDatabase, trackWith } from './fleet/fleet-platform.ts';

const SHARE_OF_BARE = 0.5;
const AT_ONCE = 8;
const SIZES = { full: { organizations: 500, rounds: 5 }, small: { organizations: 8, rounds: 1 } } as const;

/**
 * One column more in every database of the fleet, in the waves that are the default and with all that is recorded, beside the bare statement on as
 * many new connections at a time. On the same server by turns, whoever begins.
 */
export const fleetCostCheck: Check = {
  name: 'fleet-cost',
  async run(size, print) {
    const { organizations, rounds } = SIZES[size];
    await using platform = await createFleetPlatform(organizations);
    // The first connection to a database writes down what later ones read.
    await rateOf(platform, () => addColumn(platform, 'warm'));
    const seen: { readonly bare: number; readonly ours: number; readonly share: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const runs = {
        bare: () => addColumn(platform, `bare_${round}`),
        ours: () => migrate(platform, `${9_000 + round}_ours`),
      };
      const rates = { bare: 0, ours: 0 };
      for (const who of round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const))
        rates[who] = await rateOf(platform, runs[who]);
      const share = rates.ours / rates.bare;
      print(`${rates.ours.toFixed(0)}/s, bare ${rates.bare.toFixed(0)}/s: ${share.toFixed(2)} of it`);
      seen.push({ ...rates, share });
    }
    const [ours, bare, share] = [
      Math.round(median(seen.map((rates) => rates.ours))),
      Math.round(median(seen.map((rates) => rates.bare))),
      Math.floor(median(seen.map((rates) => rates.share)) * 100) / 100,
    ];
    return {
      passed: share >= SHARE_OF_BARE,
      line: `fleet-cost ${organizations} databases at ${ours}/s of ${bare}/s bare (${share}), at least ${SHARE_OF_BARE}`,
      figures: { organizations, ours, bare, share, seen },
    };
  },
};

async function addColumn(platform: FleetPlatform, column: string): Promise<void> {
  await inParallel(AT_ONCE, platform.members, ({ database }) =>
    inMemberDatabase(platform, database, (client) => client.query(`alter table jobs add column ${column} text`)),
  );
}

async function migrate(platform: FleetPlatform, name: string): Promise<void> {
  const track = trackWith(name, [`alter table jobs add column "${name}" text`]);
  const { done, failed } = await migrateFleet(platform, { actor: null, track, concurrency: AT_ONCE });
  if (done !== platform.members.length) throw new RangeError(`${done} were migrated: ${failed[0]?.errorMessage}`);
}

/** Databases a second. */
async function rateOf({ members }: FleetPlatform, run: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await run();
  return (members.length * 1_000) / (performance.now() - started);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
