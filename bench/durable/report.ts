import Table from 'cli-table3';
import type { Goal } from './goals.ts';
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

const COMPACT = {
  style: { head: [], border: [] },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};

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

export function formatGoals(goals: readonly Goal[]): string {
  const table = new Table({
    head: ['goal', 'wanted', 'found', ''],
    colAligns: ['left', 'right', 'right', 'left'],
    ...COMPACT,
  });
  for (const { what, wanted, found, isMet } of goals)
    table.push([what, wanted, number(found, 2), Number.isNaN(found) ? 'not measured' : isMet ? 'met' : 'MISSED']);
  return String(table);
}

const number = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));
const times = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(2)}×`);
