import Table from 'cli-table3';
import { COMPACT, number, times } from '../goal.ts';
import { median } from '../median.ts';
import type { BlockedFigures, DocumentFigures } from './document-process.ts';
import { ratioOf } from './goals.ts';
import type { CallsResults, CallsRound } from './run-calls.ts';

const HEAD = ['50 at a time', 'calls/s', 'range', 'mad is', 'CPU µs', 'p50 ms', 'p99 ms', 'first ms'];

/** Medians over rounds; CPU is that of the caller, a call. */
export function formatCalls(results: CallsResults): string {
  const table = new Table({
    head: HEAD,
    colAligns: ['left', ...HEAD.slice(1).map(() => 'right' as const)],
    ...COMPACT,
  });
  for (const [name, rounds] of results) {
    const of = (read: (round: CallsRound) => number): number => median(rounds.map(read));
    const speeds = rounds.map(({ callsPerSecond }) => callsPerSecond);
    table.push([
      name,
      number(median(speeds), 0),
      `${number(Math.min(...speeds), 0)}–${number(Math.max(...speeds), 0)}`,
      times(ratioOf(results, 'mad', name)),
      number(
        of(({ cpuUs }) => cpuUs),
        1,
      ),
      number(
        of(({ p50 }) => p50),
        2,
      ),
      number(
        of(({ p99 }) => p99),
        2,
      ),
      number(
        of(({ firstMs }) => firstMs),
        0,
      ),
    ]);
  }
  return String(table);
}

const LINES: readonly (readonly [keyof DocumentFigures, string])[] = [
  ['openCold', 'opening a client, its checking thread started for it'],
  ['openWarm', 'opening another'],
  ['swaggerParser', 'swagger-parser alone, in this thread, not the first time'],
  ['openapiClientAxios', 'openapi-client-axios, which checks nothing'],
  ['compileOne', 'compiling the first operation: request, defaults, answers'],
  ['compileAll', 'compiling all the others'],
];

/** Medians over rounds. */
export function formatDocument(rounds: readonly DocumentFigures[]): string {
  const head = [`a document of ${rounds[0]?.operations ?? 0} operations`, 'ms'];
  const table = new Table({ head, colAligns: ['left', 'right'], ...COMPACT });
  for (const [key, what] of LINES) table.push([what, number(median(rounds.map((round) => round[key])), 0)]);
  return String(table);
}

export function formatBlocked(rounds: readonly BlockedFigures[]): string {
  const head = ['this thread is held up while a document is checked that has patterns', 'ms'];
  const table = new Table({ head, colAligns: ['left', 'right'], ...COMPACT });
  for (const name of Object.keys(rounds[0] ?? {}))
    table.push([name, number(median(rounds.map((round) => round[name] ?? Number.NaN)), 1)]);
  return String(table);
}
