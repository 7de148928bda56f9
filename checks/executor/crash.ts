import type { Check, CheckSize } from '../check.ts';
import { type CrashOutcome, runCrashCell } from './crash/crash-cell.ts';
import { CRASH_POINTS, type CrashPoint } from './crash/crash-points.ts';
import { inParallel } from './work/in-parallel.ts';
import { CHAIN, DIAMOND, FORK_JOIN, WORK_GRAPHS, type WorkGraph } from './work/work-graphs.ts';
import { startWorkService } from './work/work-service.ts';

const LEASE_MS = 1_500;
const RESUMED_WITHIN_MS = LEASE_MS + 2_000;

/**
 * An executor in a process of its own is killed with SIGKILL at every named point of a job's way, with every graph; another one finishes the
 * job. Each job must end once, with all of its results and events once, and with no committed step called again.
 */
export const crashCheck: Check = {
  name: 'crash',
  async run(size, print) {
    await using service = await startWorkService();
    const cells = listCells(size);
    const outcomes = await inParallel(size === 'full' ? 6 : 2, cells, async (cell) => {
      const outcome = await runCrashCell({ ...cell, service, leaseMs: LEASE_MS }).catch((error: unknown) =>
        toBroken(cell, error),
      );
      for (const { what } of outcome.faults) print(`${outcome.point}, ${outcome.graph}: ${what}`);
      return outcome;
    });
    const figures = summarize(outcomes);
    const { survived, lost, doubled, resumeP50Ms, resumeP95Ms, mirrorMaxMs } = figures;
    const passed = survived === cells.length && resumeP95Ms <= RESUMED_WITHIN_MS;
    const line =
      `crash ${survived}/${cells.length}, lost ${lost}, doubled ${doubled}; resumed after ${resumeP50Ms} ms (p50), ${resumeP95Ms} ms (p95, ` +
      `at most ${RESUMED_WITHIN_MS} with a lease of ${LEASE_MS}), jobs_meta equal after ${mirrorMaxMs} ms at most`;
    return { passed, line, figures: { ...figures, outcomes } };
  },
};

/** A cell that could not be tried at all. */
function toBroken({ point, graph }: { point: CrashPoint; graph: WorkGraph }, error: unknown): CrashOutcome {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const faults = [{ kind: 'wrong' as const, what }];
  return { point: point.name, graph: graph.name, faults, resumeMs: null, mirrorMs: null, extraCalls: 0 };
}

function listCells(size: CheckSize): readonly { point: CrashPoint; graph: WorkGraph }[] {
  if (size === 'full') return WORK_GRAPHS.flatMap((graph) => CRASH_POINTS.map((point) => ({ point, graph })));
  const few: readonly (readonly [string, WorkGraph])[] = [
    ['half a response received', DIAMOND],
    ['commit sent but unacknowledged', CHAIN],
    ['cache entry written', FORK_JOIN],
    ['job closed', DIAMOND],
  ];
  return few.flatMap(([name, graph]) =>
    CRASH_POINTS.filter((point) => point.name === name).map((point) => ({ point, graph })),
  );
}

function summarize(outcomes: readonly CrashOutcome[]) {
  const count = (kind: string) => outcomes.filter(({ faults }) => faults.some((fault) => fault.kind === kind)).length;
  const resumes = outcomes.flatMap(({ resumeMs }) => (resumeMs === null ? [] : [resumeMs])).toSorted((a, b) => a - b);
  const at = (share: number) => resumes[Math.max(0, Math.ceil(resumes.length * share) - 1)] ?? 0;
  return {
    survived: outcomes.filter(({ faults }) => faults.length === 0).length,
    ...{ lost: count('lost'), doubled: count('doubled') },
    ...{ resumeP50Ms: at(0.5), resumeP95Ms: at(0.95), resumeMaxMs: at(1) },
    mirrorMaxMs: Math.max(0, ...outcomes.map(({ mirrorMs }) => mirrorMs ?? 0)),
    extraCalls: outcomes.reduce((sum, { extraCalls }) => sum + extraCalls, 0),
  };
}
