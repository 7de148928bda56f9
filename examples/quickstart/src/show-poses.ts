import type { JobPose } from '@mad/core';
import Table from 'cli-table3';

/** The ranked poses as a table, with what its RMSD columns mean below. */
export function posesTable(poses: readonly JobPose[]): string {
  const table = new Table({
    head: ['rank', 'affinity\nkcal/mol', 'RMSD l.b.\nÅ', 'RMSD u.b.\nÅ'],
    colAligns: ['right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const pose of poses)
    table.push([pose.rank, pose.affinity.toFixed(2), fixed(pose.rmsdLowerBound), fixed(pose.rmsdUpperBound)]);
  return `${table.toString()}\nRMSD l.b. and u.b.: lower and upper bound of the distance to pose 1`;
}

const fixed = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
