import type { Check, CheckSize } from '../check.ts';
import { startWorkService } from '../executor/work/work-service.ts';
import { FLIGHT_POINTS } from './flight/flight-points.ts';
import { FLIGHT_WORKS } from './flight/flight-work.ts';
import { type RoundOutcome, type RunRound, runRound } from './flight/run-round.ts';

type Round = Pick<RunRound, 'work' | 'queue' | 'point'>;

const SIZES: Readonly<Record<CheckSize, { readonly processes: number; readonly jobs: number }>> = {
  full: { processes: 8, jobs: 100 },
  small: { processes: 3, jobs: 12 },
};

/**
 * Jobs that ask for the same, or whose first step does, submitted and run by many processes at once: their work is done by one call, and each job has its
 * results. The same with the process that leads killed by SIGKILL on its way: two calls at most, one where the work had been kept.
 */
export const flightCheck: Check = {
  name: 'flight',
  async run(size, print) {
    await using service = await startWorkService();
    const rounds = listRounds(size);
    const outcomes: RoundOutcome[] = [];
    for (const round of rounds) {
      const outcome = await runRound({ ...round, ...SIZES[size], service });
      outcomes.push(outcome);
      for (const fault of outcome.faults) print(`${outcome.name}: ${fault}`);
    }
    const { processes, jobs } = SIZES[size];
    const figures = summarize(outcomes, jobs);
    const passed = outcomes.every(({ faults }) => faults.length === 0);
    const line =
      `flight ${figures.right}/${figures.jobs} jobs right; ${jobs} of ${processes} processes made ${figures.calls} call at most for what they share in ` +
      `${figures.plain} rounds, ${figures.callsAfterKill} at most in ${figures.killed} rounds whose leader was killed`;
    return { passed, line, figures: { ...figures, outcomes } };
  },
};

/** Each way without a kill on both queues, then each point with both kinds of work; the queues take turns. */
function listRounds(size: CheckSize): readonly Round[] {
  const [identical, shared] = FLIGHT_WORKS;
  if (size === 'small') {
    const of = (name: string) => FLIGHT_POINTS.find((point) => point.name === name);
    return [
      ...(identical ? [{ work: identical, queue: 'in-process' as const }] : []),
      ...(shared ? [{ work: shared, queue: 'in-process' as const, point: of('in the middle of the call') }] : []),
    ];
  }
  const queues = ['in-process', 'pg-boss'] as const;
  const plain = FLIGHT_WORKS.flatMap((work) => queues.map((queue) => ({ work, queue })));
  const killed = FLIGHT_POINTS.flatMap((point, at) =>
    FLIGHT_WORKS.map((work, other): Round => ({ work, point, queue: queues[(at + other) % 2] ?? 'in-process' })),
  );
  return [...plain, ...killed];
}

function summarize(outcomes: readonly RoundOutcome[], jobs: number) {
  const { plain = [], killed = [] } = Object.groupBy(outcomes, ({ isKilled }) => (isKilled ? 'killed' : 'plain'));
  const mostCalls = (of: readonly RoundOutcome[]) => Math.max(0, ...of.map(({ calls }) => calls));
  return {
    ...{ right: outcomes.reduce((sum, { right }) => sum + right, 0), jobs: outcomes.length * jobs },
    ...{ plain: plain.length, calls: mostCalls(plain) },
    ...{ killed: killed.length, callsAfterKill: mostCalls(killed) },
  };
}
