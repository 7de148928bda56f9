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

/** The resource class lets 24 jobs run, whoever they belong to; the executors would take more. The second organization may have ten of those. */
function share(
  run: Pick<FairShareRun, 'queue' | 'processes' | 'concurrency' | 'serviceMs'>,
  count: number,
): FairShareRun {
  const of = (organization: LoadOrganization) => ({ organization, graph: SINGLE, resourceClass: 'cpu' });
  return {
    ...run,
    limits: { perOrganization: { [few.orgId]: 10 }, perResourceClass: { cpu: 24 } },
    arrivals: [
      { ...of(many), count, afterMs: 0 },
      { ...of(few), count: FEW, afterMs: HEAD_START_MS },
    ],
    withinMs: 900_000,
  };
}

function limit(run: Pick<FairShareRun, 'queue' | 'processes' | 'concurrency'>, count: number): FairShareRun {
  const arrivals = ORGANIZATIONS.flatMap((organization) => [
    { organization, graph: SINGLE, resourceClass: 'cpu', count, afterMs: 0 },
    { organization, graph: SINGLE_GPU, resourceClass: 'gpu', count, afterMs: 0 },
  ]);
  return {
    ...run,
    serviceMs: 100,
    limits: {
      perOrganization: { [many.orgId]: 7, [few.orgId]: 5, [third.orgId]: 3 },
      perResourceClass: { cpu: 8, gpu: 4 },
    },
    arrivals,
    withinMs: 300_000,
  };
}

const SIZES: Readonly<Record<CheckSize, Sizes>> = {
  full: {
    shares: [
      share({ queue: 'pg-boss', processes: 8, concurrency: 4, serviceMs: 500 }, 5_000),
      share({ queue: 'in-process', processes: 0, concurrency: 32, serviceMs: 500 }, 500),
    ],
    limits: [
      limit({ queue: 'pg-boss', processes: 8, concurrency: 4 }, 100),
      limit({ queue: 'in-process', processes: 0, concurrency: 32 }, 100),
    ],
  },
  small: {
    shares: [share({ queue: 'in-process', processes: 0, concurrency: 32, serviceMs: 500 }, 150)],
    limits: [limit({ queue: 'pg-boss', processes: 2, concurrency: 8 }, 10)],
  },
};

/**
 * One organization queues thousands of jobs, another one twenty a second later: those wait at most twice the time that the service takes for a job. And no
 * limit is ever passed, per organization or per resource class, as the service sees it and as the rows tell.
 */
export const fairShareCheck: Check = {
  name: 'fair-share',
  async run(size, print) {
    const lines: string[] = [];
    const figures: object[] = [];
    let passed = true;
    const runs = [...SIZES[size].shares, ...SIZES[size].limits];
    for (const run of runs) {
      const where = `${run.queue}, ${run.processes || 1} ${run.processes > 1 ? 'processes' : 'process'}`;
      const onSeen = ({ open }: { readonly open: number }) => print(`fair-share (${where}): ${open} jobs are open`);
      const outcome = await runFairShare({ ...run, onSeen });
      const isShare = SIZES[size].shares.includes(run);
      const waits = outcome.waitsMs[few.orgId] ?? [];
      const [medianMs, maxMs] = [waits[Math.floor(waits.length / 2)] ?? Infinity, waits.at(-1) ?? Infinity];
      const isFair = !isShare || (waits.length === FEW && maxMs <= 2 * run.serviceMs);
      passed &&= isFair && outcome.incomplete === 0 && outcome.limits.every(({ most, limit }) => most <= limit);
      lines.push(
        `${where}: ${isShare ? `the ${FEW} waited ${medianMs} ms (median), ${maxMs} ms (at most ${2 * run.serviceMs}), ` : ''}${tell(outcome)}`,
      );
      figures.push({
        where,
        serviceMs: run.serviceMs,
        ...(isShare ? { medianMs, maxMs } : {}),
        ...outcome,
        waitsMs: waits,
      });
    }
    return { passed, line: `fair-share ${lines.join('; ')}`, figures: { runs: figures } };
  },
};

/** `cpu 24/24` for each limit: the most that ran at a time, and what may. */
function tell({ limits, incomplete, seconds }: FairShareOutcome): string {
  const names = new Map(ORGANIZATIONS.map(({ orgId }, index) => [orgId, `organization ${index + 1}`]));
  const held = limits.map(({ name, limit, most }) => `${names.get(name) ?? name} ${most}/${limit}`);
  return `limits ${held.join(', ')}${incomplete > 0 ? `, ${incomplete} jobs did not complete` : ''}, in ${seconds} s`;
}
