import { isTerminal, type TerminalJobStatus } from '@mad/core';
import fc from 'fast-check';
import type { Check, CheckOutcome, CheckSize } from '../check.ts';
import { openPropertyWorld, type PropertyWorld } from './property/property-world.ts';
import { randomCase } from './property/random-case.ts';
import { type CaseOutcome, runCase } from './property/run-case.ts';

type Kind = 'postgres' | 'pglite';

/** Cases with crashes on the real server, and without them on PGlite. */
const CASES: Readonly<Record<CheckSize, Readonly<Record<Kind, number>>>> = {
  small: { postgres: 25, pglite: 0 },
  full: { postgres: 300, pglite: 50 },
};
/** For one database, shrinking included. */
const AT_MOST_MS = { small: 120_000, full: 900_000 };
const PRINT_EVERY = 50;

/**
 * Random pipelines under random failures, cancels, crashes and concurrency: every step runs after its parents, commits once, and the job comes to what
 * a plain interpreter of its pipeline says. `MAD_CHECK_SEED` and `MAD_CHECK_PATH` repeat what a run has printed.
 */
export const propertyCheck: Check = {
  name: 'property',
  async run(size, print): Promise<CheckOutcome> {
    const seed = Number(process.env.MAD_CHECK_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const figures = { seed, cases: 0, COMPLETED: 0, FAILED: 0, CANCELED: 0, calls: 0, crashes: 0, lost: 0 };
    const failures: string[] = [];
    for (const kind of ['postgres', 'pglite'] as const) {
      if (CASES[size][kind] === 0) continue;
      print(`property: ${CASES[size][kind]} random cases on ${kind}, seed ${seed}`);
      await using world = await openPropertyWorld(kind);
      const failure = await trySome(world, {
        seed,
        numRuns: CASES[size][kind],
        atMostMs: AT_MOST_MS[size],
        onFailed: (violations) => print(`property: a case failed, it is shrunk: ${violations.join('; ')}`),
        onHeld({ statuses, calls, crashes, lost }) {
          figures.cases++;
          for (const status of statuses) if (isTerminal(status)) figures[status as TerminalJobStatus]++;
          figures.calls += calls;
          figures.crashes += crashes;
          figures.lost += lost;
          if (figures.cases % PRINT_EVERY === 0) print(`property: ${figures.cases} cases held`);
        },
      });
      if (failure) failures.push(`on ${kind}: ${failure}`);
    }
    const { cases, COMPLETED, FAILED, CANCELED, calls, crashes, lost } = figures;
    const statuses = `${COMPLETED} completed, ${FAILED} failed, ${CANCELED} canceled`;
    const line = `property ${cases} cases held (jobs: ${statuses}; ${calls} calls, ${crashes} crashes, ${lost} lost answers), ${failures.length} failed`;
    return { passed: failures.length === 0, line: [line, ...failures].join('\n'), figures };
  },
};

interface TrySome {
  readonly seed: number;
  readonly numRuns: number;
  readonly atMostMs: number;
  readonly onHeld: (outcome: CaseOutcome) => void;
  /** Called for the first case that fails. */
  readonly onFailed: (violations: readonly string[]) => void;
}

/** What was violated by the simplest case that was found, and how to repeat it; undefined when all held. */
async function trySome(
  world: PropertyWorld,
  { seed, numRuns, atMostMs, ...tell }: TrySome,
): Promise<string | undefined> {
  let running: Promise<unknown> | undefined;
  let isShrinking = false;
  const property = fc.asyncProperty(randomCase, async (random) => {
    const trying = runCase(world, random);
    running = trying.catch(() => {});
    const outcome = await trying;
    const { violations } = outcome;
    if (violations.length > 0) {
      if (!isShrinking) tell.onFailed(violations);
      isShrinking = true;
      throw new CaseFailed(violations.join('\n'));
    }
    if (!isShrinking) tell.onHeld(outcome);
  });
  const path = process.env.MAD_CHECK_PATH ?? '';
  const plugins = [fc.interruptAfterTimeLimit(atMostMs, { failOnInterrupt: true })];
  const details = await fc.check(property, { seed, numRuns, path, plugins });
  // A case that the time limit has interrupted still uses the world.
  await running;
  if (!details.failed) return undefined;
  const { counterexample, errorInstance, counterexamplePath, numShrinks } = details;
  if (!counterexample) return `only ${details.numRuns} of ${numRuns} cases were tried in ${atMostMs} ms`;
  const error = errorInstance instanceof CaseFailed ? errorInstance.message : String((errorInstance as Error)?.stack);
  return [
    error,
    `after ${numShrinks} shrinks: ${JSON.stringify(counterexample)}`,
    `repeat with MAD_CHECK_SEED=${details.seed} MAD_CHECK_PATH=${counterexamplePath}`,
  ].join('\n');
}

class CaseFailed extends Error {}
