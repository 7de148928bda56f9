import { median, quantile } from '../median.ts';
import type { ContestResults } from './run-contest.ts';
import type { TrialResult } from './trial.ts';

/** One contender over all rounds of one contest: medians, per job where not said otherwise. */
export interface Summary {
  readonly name: string;
  readonly jobsPerSecond: number;
  /** Lowest and highest round. */
  readonly range: readonly [number, number];
  readonly statements: number;
  readonly walBytes: number;
  readonly processCpuMs: number;
  readonly serverCpuMs: number;
  /** Milliseconds of a job run alone, from its submission to its end. */
  readonly aloneP50: number;
  readonly aloneP99: number;
  /** The same from its acceptance. */
  readonly acceptedP50: number;
}

export function summarize(results: ContestResults): readonly Summary[] {
  return [...results].map(([name, rounds]) => {
    const of = (read: (result: TrialResult) => number): number => median(rounds.map(read));
    const speeds = rounds.map(({ jobsPerSecond }) => jobsPerSecond);
    return {
      name,
      jobsPerSecond: median(speeds),
      range: [Math.min(...speeds), Math.max(...speeds)],
      statements: of(({ statements }) => statements),
      walBytes: of(({ walBytes }) => walBytes),
      processCpuMs: of(({ processCpuMs }) => processCpuMs),
      serverCpuMs: of(({ serverCpuMs }) => serverCpuMs),
      aloneP50: of(({ aloneMs }) => median(aloneMs)),
      aloneP99: quantile(
        rounds.flatMap(({ aloneMs }) => aloneMs),
        0.99,
      ),
      acceptedP50: of(({ acceptedMs }) => median(acceptedMs)),
    };
  });
}

/** How many times as fast the one is as the other: the median over rounds in which both ran beside each other. */
export function ratioOf(results: ContestResults, name: string, other: string): number {
  const others = results.get(other) ?? [];
  return median(
    (results.get(name) ?? []).flatMap(({ jobsPerSecond, round }) => {
      const beside = others.find((result) => result.round === round);
      return beside ? [jobsPerSecond / beside.jobsPerSecond] : [];
    }),
  );
}
