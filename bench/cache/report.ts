import Table from 'cli-table3';
import { COMPACT } from '../goal.ts';
import type { CacheContest } from './contest.ts';

export function formatRows({ rows: [head = [], ...rows] }: Pick<CacheContest, 'rows'>): string {
  const table = new Table({
    head: [...head],
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
    ...COMPACT,
  });
  table.push(...rows.map((row) => [...row]));
  return String(table);
}
