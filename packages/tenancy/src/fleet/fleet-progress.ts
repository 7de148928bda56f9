import type { FleetCount, FleetMigrationRow } from '@mad/core';

/** Where a run stands, all processes that share it together. */
export interface FleetProgress {
  readonly fleetMigrationId: string;
  /** The wave that is at work, counted from 1; the last one when all are over. */
  readonly wave: number;
  readonly waves: number;
  /** Organizations that are migrated, and that failed, of `total`. */
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  /** Since this call began. */
  readonly ms: number;
}

export function toProgress(run: FleetMigrationRow, counts: readonly FleetCount[], ms: number): FleetProgress {
  return {
    fleetMigrationId: run.fleet_migration_id,
    wave: (findOpenWave(counts) ?? run.waves - 1) + 1,
    waves: run.waves,
    done: sumCounts(counts, 'done'),
    failed: sumCounts(counts, 'failed'),
    total: sumCounts(counts),
    ms: Math.round(ms),
  };
}

/** The counts of all waves together, or of one state. */
export function sumCounts(counts: readonly FleetCount[], state?: FleetCount['state']): number {
  return counts.reduce((sum, count) => sum + (state === undefined || count.state === state ? count.n : 0), 0);
}

/** The wave that is at work: the first with organizations that wait or run. Undefined when none is. */
export function findOpenWave(counts: readonly FleetCount[]): number | undefined {
  const open = counts.filter(({ state }) => state === 'pending' || state === 'running');
  return open.length === 0 ? undefined : Math.min(...open.map(({ wave }) => wave));
}

/** Whether nothing of the wave was begun yet. */
export function isFreshWave(counts: readonly FleetCount[], wave: number): boolean {
  return counts.every((count) => count.wave !== wave || count.state === 'pending');
}
