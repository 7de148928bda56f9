import Table from 'cli-table3';
import { COMPACT, number, times } from '../goal.ts';
import type { ContestResults } from './run-contest.ts';
import { ratioOf, summarize } from './summary.ts';

const HEAD = [
  ...[
    '',
    'jobs/s',
    'range',
    'mad is',
    'of floor',
    'stmts',
    'WAL KiB',
    'CPU ms: own',
    '+ server',
    'alone p50',
    'p99',
    'accepted p50',
  ],
];

/** One contest as a table: medians over rounds; statements, WAL and CPU are per job, times in milliseconds. */
export function formatContest(name: string, results: ContestResults): string {
  const table = new Table({
    head: HEAD,
    colAligns: ['left', ...HEAD.slice(1).map(() => 'right' as const)],
    ...COMPACT,
  });
  for (const summary of summarize(results)) {
    table.push([
      summary.name,
      number(summary.jobsPerSecond, 0),
      summary.range.map((speed) => number(speed, 0)).join('–'),
      times(ratioOf(results, 'mad', summary.name)),
      times(ratioOf(results, summary.name, 'floor')),
      number(summary.statements, 2),
      number(summary.walBytes / 1024, 1),
      number(summary.processCpuMs, 2),
      number(summary.serverCpuMs, 2),
      number(summary.aloneP50, 1),
      number(summary.aloneP99, 1),
      number(summary.acceptedP50, 1),
    ]);
  }
  return `${name}\n${table}`;
}
