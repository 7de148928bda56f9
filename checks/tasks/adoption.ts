import type { Check, CheckSize } from '../check.ts';
import { inParallel } from '../executor/work/in-parallel.ts';
import { type AdoptionCell, type AdoptionOutcome, runAdoptionCell } from './adoption/adoption-cell.ts';
import { ADOPTION_POINTS } from './adoption/adoption-points.ts';
import { startLongServices } from './adoption/long-services.ts';

const CONTRACTS = ['kit', 'vendor'] as const;
const ROUNDS = 5;

/**
 * The process that called a service is killed after the service took the work over: before it is noted, before the first question, between
 * questions, after the answer. The next executor must ask for the work that is there; it is begun once, and stopped where the job was canceled.
 */
export const adoptionCheck: Check = {
  name: 'adoption',
  async run(size, print) {
    await using services = await startLongServices();
    const cells = listCells(size).map((cell) => ({ ...cell, services }));
    const outcomes = await inParallel(size === 'full' ? 6 : 2, cells, async (cell): Promise<AdoptionOutcome> => {
      const { point, contract } = cell;
      const outcome = await runAdoptionCell(cell).catch((error: unknown) => ({
        ...{ point: point.name, contract, begun: 0, stopped: 0 },
        faults: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      }));
      for (const fault of outcome.faults) print(`${outcome.contract}, ${outcome.point}: ${fault}`);
      return outcome;
    });
    const right = outcomes.filter(({ faults }) => faults.length === 0).length;
    const twice = outcomes.filter(({ begun }) => begun > 1).length;
    return {
      passed: right === cells.length,
      line: `adoption ${right}/${cells.length} killed and taken up again, ${twice} begun twice`,
      figures: { outcomes },
    };
  },
};

function listCells(size: CheckSize): readonly Omit<AdoptionCell, 'services'>[] {
  const all = ADOPTION_POINTS.flatMap((point) =>
    CONTRACTS.filter((contract) => contract === 'kit' || !point.needsKey).map((contract) => ({ point, contract })),
  );
  if (size === 'full') return Array.from({ length: ROUNDS }, () => all).flat();
  return all.filter(
    ({ point, contract }) =>
      (contract === 'kit' && point.needsKey) || (contract === 'vendor' && (point.afterMs === 50 || point.isCanceled)),
  );
}
