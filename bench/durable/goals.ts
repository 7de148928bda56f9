import { atLeast, atMost, type Goal } from '../goal.ts';
import { CHAIN, FAN_OUT, SEEDED } from './contests.ts';
import type { ContestResults } from './run-contest.ts';
import { ratioOf, type Summary, summarize } from './summary.ts';

/** What mad has set itself, held against what was measured. */
export function judge(results: ReadonlyMap<string, ContestResults>): readonly Goal[] {
  const of = (contest: string): ContestResults => results.get(contest) ?? new Map();
  const summary = (contest: string, name: string): Summary | undefined =>
    summarize(of(contest)).find((found) => found.name === name);
  const speed = (contest: string, other: string): number => ratioOf(of(contest), 'mad', other);
  const beside = (variant: string): number => ratioOf(of(CHAIN), variant, 'mad');
  const mad = summary(CHAIN, 'mad');
  const floor = summary(CHAIN, 'floor');
  return [
    atLeast('speed beside the floor (stretch 0.75)', 0.6, speed(CHAIN, 'floor')),
    atLeast('speed beside DBOS', 6, speed(CHAIN, 'DBOS')),
    atLeast('speed beside pg-boss batches', 3, speed(CHAIN, 'pg-boss batches')),
    atLeast('speed beside BullMQ', 1.2, speed(CHAIN, 'BullMQ')),
    atMost('CPU ms a job, both sides', 0.75, mad && mad.processCpuMs + mad.serverCpuMs),
    atMost('WAL KiB a job with 300,000 finished jobs present', 10, scale(summary(SEEDED, 'mad')?.walBytes, 1024)),
    atMost('statements a job', 0.5, mad?.statements),
    // From acceptance on: the floor has no submission that checks anything. The table shows the whole way as well.
    atMost('p50 of one accepted job alone beside the floor', 1.6, mad && floor && mad.acceptedP50 / floor.acceptedP50),
    atLeast('fan-out: speed beside the floor', 0.6, speed(FAN_OUT, 'floor')),
    atLeast('fan-out: speed beside DBOS', 8, speed(FAN_OUT, 'DBOS')),
    atLeast('fan-out: speed beside BullMQ', 2, speed(FAN_OUT, 'BullMQ')),
    atMost('fan-out: ms of one alone', 25, summary(FAN_OUT, 'mad')?.aloneP50),
    atLeast('speed with 1,000 followers beside without', 0.9, beside('mad with 1000 followers')),
    atLeast('speed on PGlite beside the real server', 0.5, beside('mad on PGlite')),
  ];
}

const scale = (value: number | undefined, unit: number): number | undefined => value && value / unit;
