import { isMadError, ValidationFailedError } from '@mad/core';
import { sql } from 'kysely';
import type { Check } from '../check.ts';
import { ask, attackWith, type Leak } from './isolation/attack.ts';
import { listUncatalogued } from './isolation/exports.ts';
import { type IsolatedWorld, openIsolatedWorld } from './isolation/isolated-world.ts';
import { METADATA_CALLS } from './isolation/metadata-calls.ts';
import { attackByRawStatements } from './isolation/raw-statements.ts';
import { RESULTS_CALLS } from './isolation/results-calls.ts';
import { SERVICE_CALLS } from './isolation/service-calls.ts';

const REPOSITORY_CALLS = [...METADATA_CALLS, ...RESULTS_CALLS];
const CALLS = [...REPOSITORY_CALLS, ...SERVICE_CALLS];
const ON_METADATA = [...METADATA_CALLS, ...SERVICE_CALLS];
/** Two schemas of one database are the nearest that organizations come. */
const PLACEMENTS = { full: ['schema', 'database'], small: ['schema'] } as const;

/**
 * One organization calls everything that the packages export with everything that is another's: nothing of it comes back, nothing of it changes, and no answer
 * tells whether an id is anybody's. The same with the filters of the repositories taken out, and by statements without any. The owner of like ids gets
 * through with every call; and where isolation is broken on purpose, leaks are seen.
 */
export const isolationCheck: Check = {
  name: 'isolation',
  async run(size, print) {
    const uncatalogued = listUncatalogued(CALLS);
    for (const name of uncatalogued) print(`${name} is exported, and neither called nor said to touch no rows`);
    const leaks: Leak[] = [];
    const found = { service: 0, repository: 0, alone: 0, removed: 0, behindOperator: 0 };
    const seen: SeenWhenBroken[] = [];
    const unfit: string[] = [];
    for (const placement of PLACEMENTS[size]) {
      await using world = await openIsolatedWorld(placement);
      const { attacker, unfiltered, victim, stripped, takeLog } = world;
      // First what is undone: services leave rows of the attacker that name what is the victim's.
      const raw = await attackByRawStatements(world);
      leaks.push(...raw.leaks.map(asAlone));
      leaks.push(...(await attackWith(CALLS, { attacker, victim, takeLog })));
      leaks.push(...(await attackWith(ON_METADATA, { attacker: unfiltered, victim, takeLog })).map(asAlone));
      found.service += SERVICE_CALLS.length;
      found.repository += REPOSITORY_CALLS.length;
      found.alone += ON_METADATA.length + raw.statements;
      found.removed += stripped.removed;
      found.behindOperator += stripped.behindOperator;
      seen.push(await breakIsolation(world));
      unfit.push(...(await listUnfit(world)));
    }
    for (const { call, kind, what } of leaks) print(`${kind} ${call}: ${what}`);
    for (const call of unfit) print(`of no use to its owner either: ${call}`);
    const total = found.service + found.repository + found.alone;
    const seesBroken = seen.every(({ withoutPolicy, misrouted }) => withoutPolicy > 0 && misrouted > 0);
    const passed =
      leaks.length === 0 && unfit.length === 0 && uncatalogued.length === 0 && found.removed > 0 && seesBroken;
    return {
      passed,
      line:
        `isolation ${leaks.length} leaks of ${total} (${found.service} service calls, ${found.repository} repository calls, ` +
        `${found.alone} by row-level security alone, ${found.removed} filters taken out); ${sum(seen.map((one) => one.withoutPolicy))} seen with one table's policies off, ${sum(seen.map((one) => one.misrouted))} through the wrong Results DB`,
      figures: { ...found, leaks, unfit, uncatalogued, seen },
    };
  },
};

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const asAlone = (leak: Leak): Leak => ({ ...leak, call: `by row-level security alone, ${leak.call}` });

/** Calls that their owner could not make with its own: they would prove nothing. */
async function listUnfit({ owner }: IsolatedWorld): Promise<readonly string[]> {
  const unfit: string[] = [];
  for (const call of CALLS) {
    const { error, text } = await ask({ call, attacker: owner, target: owner.own });
    if (isUnfit(error)) unfit.push(`${call.kind} ${call.name}: ${text.slice(0, 300)}`);
  }
  return unfit;
}

const isUnfit = (error: unknown): boolean =>
  error !== undefined && (!isMadError(error) || error instanceof ValidationFailedError);

interface SeenWhenBroken {
  /** With the row-level security of one table off, and the filters taken out. */
  readonly withoutPolicy: number;
  /** With the victim's Results DB in place of the attacker's own. */
  readonly misrouted: number;
}

/** The kit itself: where isolation is broken on purpose, its calls find what is the victim's. */
async function breakIsolation(world: IsolatedWorld): Promise<SeenWhenBroken> {
  const { db, attacker, unfiltered, victim, takeLog } = world;
  const molecules = METADATA_CALLS.filter(({ name }) => name.includes('Molecule'));
  await sql`alter table molecules disable row level security`.execute(db);
  const withoutPolicy = await attackWith(molecules, { attacker: unfiltered, victim, takeLog });
  await sql`alter table molecules enable row level security`.execute(db);
  const results = await attacker.platform.results.get(victim.target.orgId);
  const misrouted = await attackWith(RESULTS_CALLS, { attacker: { ...attacker, results }, victim, takeLog });
  return { withoutPolicy: withoutPolicy.length, misrouted: misrouted.length };
}
