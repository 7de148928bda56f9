import type { Check } from '../check.ts';
import { CHAIN, DIAMOND, FORK_JOIN } from './work/work-graphs.ts';
import { startWorkService } from './work/work-service.ts';
import { runZombieRound, type ZombieOutcome } from './zombie/zombie-round.ts';

const LEASE_MS = 1_500;

/** The last step, whose write would close the job, and steps in the middle, whose write would add a result. */
const ROUNDS = [
  { graph: CHAIN, step: CHAIN.last, wakes: 'while they run' },
  { graph: DIAMOND, step: DIAMOND.middle, wakes: 'while they run' },
  { graph: DIAMOND, step: DIAMOND.last, wakes: 'when they are over' },
  { graph: FORK_JOIN, step: FORK_JOIN.middle, wakes: 'when they are over' },
] as const;

/**
 * An executor in a process of its own is stopped with SIGSTOP past its leases while it holds the answers of all its jobs; another one takes the
 * jobs over. Woken by SIGCONT, the first one writes what it holds: each write must be refused, and no row may change.
 */
export const zombieCheck: Check = {
  name: 'zombie',
  async run(size, print) {
    await using service = await startWorkService();
    const [rounds, jobs] = size === 'full' ? [ROUNDS, 25] : [ROUNDS.slice(1, 2), 5];
    const outcomes: (ZombieOutcome & { readonly graph: string; readonly step: string })[] = [];
    for (const round of rounds) {
      const outcome = await runZombieRound({ ...round, jobs, service, leaseMs: LEASE_MS });
      for (const fault of outcome.faults) print(`${round.graph.name}, ${round.step}: ${fault}`);
      outcomes.push({ ...round, graph: round.graph.name, ...outcome });
    }
    const sum = (of: (outcome: ZombieOutcome) => number) => outcomes.reduce((n, each) => n + of(each), 0);
    const wanted = rounds.length * jobs;
    const [tried, commits, refused, faults] = [
      sum((outcome) => outcome.tried),
      sum((outcome) => outcome.commits),
      sum((outcome) => outcome.refused),
      sum((outcome) => outcome.faults.length),
    ];
    return {
      passed: refused === wanted && faults === 0,
      line: `zombie ${refused}/${wanted} refused, ${commits} of them commits; ${faults} rows changed or wrong`,
      figures: { wanted, tried, commits, refused, faults, outcomes },
    };
  },
};
