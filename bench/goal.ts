import Table from 'cli-table3';

export interface Goal {
  readonly what: string;
  readonly wanted: string;
  /** NaN: not measured in this run. */
  readonly found: number;
  readonly isMet: boolean;
}

export function atLeast(what: string, wanted: number, found: number | undefined = Number.NaN): Goal {
  return { what, wanted: `≥ ${wanted}`, found, isMet: found >= wanted };
}

export function atMost(what: string, wanted: number, found: number | undefined = Number.NaN): Goal {
  return { what, wanted: `≤ ${wanted}`, found, isMet: found <= wanted };
}

/** A table without lines between its rows. */
export const COMPACT = {
  style: { head: [], border: [] },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};

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

export const number = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));
export const times = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(2)}×`);
