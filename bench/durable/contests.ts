import { contenders, floors, variants } from './contenders/index.ts';
import type { Contest } from './contest.ts';

export interface Sizes {
  /** @default 3 */
  readonly rounds?: number | undefined;
  /** Jobs of the chain. @default 5,000 */
  readonly jobs?: number | undefined;
  /** Names of contenders; the others are left out. @default all */
  readonly only?: readonly string[] | undefined;
  /** A look at everything within about 20 seconds; its figures decide nothing. @default false */
  readonly quick?: boolean | undefined;
}

export const CHAIN = 'chain of 3 steps, 50 at a time';
export const SEEDED = 'the same with 300,000 finished jobs present';
export const FAN_OUT = 'fan-out 1 → 100 → 1, 8 at a time';

/** What is run, in its order. */
export function listContests({ quick = false, only, ...sizes }: Sizes): readonly Contest[] {
  const { rounds = quick ? 1 : 3, jobs = quick ? 400 : 5_000 } = sizes;
  const isWanted = ({ name }: { name: string }) => only === undefined || only.includes(name);
  const alone = quick ? { alone: 20, aloneMs: 500 } : { alone: 200, aloneMs: 3_000 };
  const all = [...contenders, ...(quick ? [] : variants), ...(only ? [...variants, ...floors] : [])];
  const chain = { graph: 'chain', jobs, atATime: 50, warmUp: Math.ceil(jobs / 10) } as const;
  const contests: Contest[] = [
    {
      ...chain,
      ...alone,
      name: CHAIN,
      rounds,
      contenders: [...new Set(all)].filter(({ graphs }) => graphs.includes('chain')),
    },
    {
      ...{ ...chain, name: SEEDED, rounds: 1, seeded: 300_000, alone: 0, aloneMs: 0 },
      contenders: contenders.filter(({ preparation }) => preparation === 'mad'),
    },
    {
      ...{
        ...alone,
        name: FAN_OUT,
        graph: 'fan-out',
        rounds,
        jobs: quick ? 8 : 100,
        atATime: 8,
        warmUp: quick ? 2 : 10,
      },
      contenders: contenders.filter(({ graphs }) => graphs.includes('fan-out')),
    },
  ];
  return contests
    .filter(({ seeded }) => !(quick && seeded))
    .map((contest) => ({ ...contest, contenders: contest.contenders.filter(isWanted) }))
    .filter((contest) => contest.contenders.length > 0);
}
