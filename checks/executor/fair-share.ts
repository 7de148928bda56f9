import type { Check, CheckSize } from '../check.ts';
import { type FairShareOutcome, type FairShareRun, runFairShare } from './fair/run-fair-share.ts';
import { SINGLE, SINGLE_GPU } from './load/load-graphs.ts';
import { type LoadOrganization, ORGANIZATIONS } from './load/load-platform.ts';

const [many, few, third] = ORGANIZATIONS;

interface Sizes {
  /** One organization queues many jobs, another one few, a second later. */
  readonly shares: readonly FairShareRun[];
  /** Three organizations, jobs of two resource classes, and limits below what they would take. */
  readonly limits: readonly FairShareRun[];
}

const FEW = 20;
const HEAD_START_MS = 1_000;

/** The resource class lets 40 jobs run, whoever they belong to; the executors would take more. A fair half of that is room for all that come later. */
function share(
  run: Pick<FairShareRun, 'queue' | 'processes' | 'concurrency' | 'serviceMs'>,
  count: number,
): FairShareRun {
  const of = (organization: LoadOrganization) => ({ organization, graph: SINGLE, resourceClass: 'cpu' });
  return {
    ...run,
    limits: { perResourceClass: { cpu: 2 * FEW } },
    arrivals: [
      { ...of(many), count, afterMs: 0 },
      { ...of(few), count: FEW, afterMs: HEAD_START_MS },
    ],
    warmUp: { ...of(third), count: 2 * run.concurrency * Math.max(1, run.processes), afterMs: 0 },
    withinMs: 900_000,
  };
}

function limit(
  run: Pick<FairShareRun, 'queue' | 'processes' | 'concurrency' | 'serviceMs'>,
  count: number,
): FairShareRun {
  const arrivals = ORGANIZATIONS.flatMap((organization) => [
    { organization, graph: SINGLE, resourceClass: 'cpu', count, afterMs: 0 },
    { organization, graph: SINGLE_GPU, resourceClass: 'gpu', count, afterMs: 0 },
  ]);
  return {
    ...run,
    limits: {
      perOrganization: { [many.orgId]: 7, [few.orgId]: 5, [third.orgId]: 3 },
      perResourceClass: { cpu: 8, gpu: 4 },
    },
    arrivals,
    warmUp: {
      organization: third,
      graph: SINGLE,
      resourceClass: 'cpu',
      count: 3 * Math.max(1, run.processes),
      afterMs: 0,
    },
    withinMs: 300_000,
  };
}

const SIZES: Readonly<Record<CheckSize, Sizes>> = {
  full: {
    shares: [
      share({ queue: 'pg-boss', processes: 8, concurrency: 6, serviceMs: 1_000 }, 5_000),
      share({ queue: 'in-process', processes: 0, concurrency: 48, serviceMs: 500 }, 500),
    ],
    limits: [
      limit({ queue: 'pg-boss', processes: 8, concurrency: 4, serviceMs: 500 }, 100),
      limit({ queue: 'in-process', processes: 0, concurrency: 32, serviceMs: 100 }, 100),
    ],
  },
  small: {
    shares: [share({ queue: 'in-process', processes: 0, concurrency: 48, serviceMs: 500 }, 200)],
    limits: [limit({ queue: 'pg-boss', processes: 2, concurrency: 8, serviceMs: 200 }, 10)],
  },
};

/**
 * One organization queues thousands of jobs, another one twenty a second later: those wait at most twice the time that the service takes for a job. And no
 * limit is ever passed, per organization or per resource class, as the service sees it and as the rows tell.
 */
export const fairShareCheck: Check = {
  name: 'fair-share',
  async run(size, print) {
    const { shares, limits } = SIZES[size];
    const reports: RunReport[] = [];
    for (const run of [...shares, ...limits]) {
      const where = `${run.queue}, ${run.processes || 1} ${run.processes > 1 ? 'processes' : 'process'}`;
      const onSeen = ({ open }: { readonly open: number }) => print(`fair-share (${where}): ${open} jobs are open`);
      const outcome = await runFairShare({ ...run, onSeen });
      const wait = shares.includes(run) ? toWait(outcome) : undefined;
      const { incomplete, seconds } = outcome;
      reports.push({ where, wait, serviceMs: run.serviceMs, incomplete, seconds, limits: outcome.limits });
    }
    const passed = reports.every(({ wait, incomplete, limits: held }) => {
      const isFair = !wait || (wait.count === FEW && wait.maxMs <= wait.atMostMs);
      return isFair && incomplete === 0 && held.every(({ most, limit }) => most <= limit);
    });
    return { passed, line: `fair-share ${reports.map(tell).join('; ')}`, figures: { runs: reports } };
  },
};

interface Wait {
  readonly count: number;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Twice what a job takes from its start to its end, by the median of those that it waits for. */
  readonly atMostMs: number;
}

interface RunReport extends Pick<FairShareOutcome, 'incomplete' | 'limits' | 'seconds'> {
  readonly where: string;
  readonly serviceMs: number;
  readonly wait: Wait | undefined;
}

function toWait({ waitsMs, runsMs }: FairShareOutcome): Wait {
  const waits = waitsMs[few.orgId] ?? [];
  return {
    count: waits.length,
    medianMs: median(waits),
    maxMs: waits.at(-1) ?? Number.POSITIVE_INFINITY,
    atMostMs: 2 * median(runsMs[many.orgId] ?? []),
  };
}

const median = (ascending: readonly number[]): number => ascending[Math.floor(ascending.length / 2)] ?? 0;

/** `cpu 40/40` for each limit: the most that ran at a time, and what may. */
function tell({ where, wait, serviceMs, limits, incomplete, seconds }: RunReport): string {
  const names = new Map(ORGANIZATIONS.map(({ orgId }, index) => [orgId, `organization ${index + 1}`]));
  const held = limits.map(({ name, limit, most }) => `${names.get(name) ?? name} ${most}/${limit}`);
  const waited = wait
    ? `the ${FEW} waited ${wait.medianMs} ms (median), ${wait.maxMs} ms (max, at most ${wait.atMostMs}: twice the ${wait.atMostMs / 2} ms of a job ` +
      `with ${serviceMs} at the service), `
    : '';
  const lost = incomplete > 0 ? `, ${incomplete} jobs did not complete` : '';
  return `${where}: ${waited}limits ${held.join(', ')}${lost}, in ${seconds} s`;
}
