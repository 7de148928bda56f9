import { atLeast, atMost, type Goal } from '../goal.ts';
import { median } from '../median.ts';
import type { BlockedFigures } from './document-process.ts';
import type { CallsResults } from './run-calls.ts';

/** How many times as fast the one is as the other: the median over rounds, in each of which both ran. */
export function ratioOf(results: CallsResults, name: string, other: string): number {
  const others = results.get(other) ?? [];
  return median(
    (results.get(name) ?? []).flatMap(({ round, callsPerSecond }) => {
      const beside = others.find((result) => result.round === round);
      return beside ? [callsPerSecond / beside.callsPerSecond] : [];
    }),
  );
}

export interface Measured {
  readonly calls: CallsResults;
  readonly blocked: readonly BlockedFigures[];
}

/** What mad has set itself, held against what was measured. */
export function judge({ calls, blocked }: Measured): readonly Goal[] {
  const names = Object.keys(blocked[0] ?? {});
  const worst = names.map((name) => median(blocked.map((figures) => figures[name] ?? Number.NaN)));
  return [
    atLeast('calls beside undici.request', 0.8, ratioOf(calls, 'mad', 'undici.request')),
    atLeast('calls beside openapi-fetch', 2.5, ratioOf(calls, 'mad', 'openapi-fetch')),
    atMost('ms this thread is held up by a hostile pattern', 50, names.length > 0 ? Math.max(...worst) : undefined),
  ];
}
