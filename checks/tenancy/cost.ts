import { randomUUID } from 'node:crypto';
import type { Placement } from '@mad/core';
import { drainWarmPool, fillWarmPool, provisionOrganization } from '@mad/tenancy';
import { sql } from 'kysely';
import type { Check } from '../check.ts';
import { prepareBareDatabase, prepareBareSchema } from './cost/bare.ts';
import { createProvisioningPlatform, type ProvisioningPlatform } from './provisioning/provisioning-platform.ts';

const SHARE_OF_BARE = 0.7;
const WARM_WITHIN_MS = 10;

const SIZES = {
  // Short rounds: what was copied goes to the disk behind whoever comes next.
  full: { rounds: 13, each: 8, warm: 40 },
  small: { rounds: 1, each: 4, warm: 4 },
} as const;

/**
 * Whole organizations, from the call to the active one with its administrator, beside the one statement that nobody can do without: a copy of the
 * template database, or a schema with its tables. On the same server by turns, one at a time and four at a time. From the warm pool, by the clock.
 */
export const costCheck: Check = {
  name: 'cost',
  async run(size, print) {
    await using platform = await createProvisioningPlatform();
    const { rounds, each, warm } = SIZES[size];
    // Neither the making of the template nor the first statements of a connection are any organization's cost.
    for (const placement of ['database', 'schema'] as const) await provision(platform, placement);
    const bare = { database: await prepareBareDatabase(platform), schema: await prepareBareSchema(platform) };
    const figures: Comparison[] = [];
    for (const placement of ['database', 'schema'] as const) {
      for (const atOnce of [1, 4]) {
        const makers = { bare: bare[placement], ours: () => provision(platform, placement) };
        const compared = { placement, atOnce, ...(await compare(makers, { rounds, each, atOnce })) };
        const { bareRate, ourRate, share } = compared;
        print(`${placement}, ${atOnce} at a time: ${ourRate}/s, bare ${bareRate}/s, ${share} of it`);
        figures.push(compared);
      }
    }
    const warmMs = await timeWarm(platform, warm);
    const passed = figures.every(({ share }) => share >= SHARE_OF_BARE) && warmMs <= WARM_WITHIN_MS;
    const told = figures.map(
      ({ placement, atOnce, ourRate, bareRate, share }) =>
        `${placement} ×${atOnce} ${ourRate}/s of ${bareRate}/s bare (${share})`,
    );
    const line = `cost ${told.join(', ')}, at least ${SHARE_OF_BARE}; from the warm pool ${warmMs} ms (p50), at most ${WARM_WITHIN_MS}`;
    return { passed, line, figures: { organizations: figures, warmMs } };
  },
};

async function provision({ metadata, clusters }: ProvisioningPlatform, placement: Placement): Promise<void> {
  const name = `org-${randomUUID()}`;
  const admin = { email: `${name}@example.org` };
  await provisionOrganization({ metadata, clusters }, { name, placement, cluster: 'main', admin });
}

interface Comparison {
  readonly placement: Placement;
  readonly atOnce: number;
  /** Organizations a second, in the middle of the rounds; the share is the middle of the rounds' shares. */
  readonly ourRate: number;
  readonly bareRate: number;
  readonly share: number;
}

interface Rounds {
  readonly rounds: number;
  readonly each: number;
  readonly atOnce: number;
}

async function compare(
  makers: Readonly<Record<'bare' | 'ours', () => Promise<void>>>,
  { rounds, each, atOnce }: Rounds,
): Promise<Omit<Comparison, 'placement' | 'atOnce'>> {
  const seen: { readonly bare: number; readonly ours: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const rates = { bare: 0, ours: 0 };
    for (const who of round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const))
      rates[who] = await rateOf(makers[who], { each, atOnce });
    seen.push(rates);
  }
  return {
    ourRate: round(median(seen.map(({ ours }) => ours)), 1),
    bareRate: round(median(seen.map(({ bare }) => bare)), 1),
    share: round(median(seen.map(({ ours, bare }) => ours / bare)), 2),
  };
}

/** How many a second. */
async function rateOf(make: () => Promise<void>, { each, atOnce }: Omit<Rounds, 'rounds'>): Promise<number> {
  const started = performance.now();
  let begun = 0;
  const lane = async () => {
    while (begun++ < each) await make();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (each * 1_000) / (performance.now() - started);
}

async function timeWarm(platform: ProvisioningPlatform, size: number): Promise<number> {
  await fillWarmPool(platform, { cluster: 'main', size });
  // What was written to make them reaches the disk before the clock runs, not while it does.
  await sql`checkpoint`.execute(platform.metadata).catch(() => {});
  const times: number[] = [];
  for (let nth = 0; nth < size; nth++) {
    const started = performance.now();
    await provision(platform, 'database');
    times.push(performance.now() - started);
  }
  await drainWarmPool(platform, { cluster: 'main', all: true });
  return round(median(times), 1);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
