import { formatTable } from '../format-table.ts';

/** Where one track stands in one schema. */
export interface MigrationReport {
  readonly track: 'metadata' | 'results';
  readonly schema: string;
  /** All that the database has, oldest first. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Those of `applied` that this call brought. */
  readonly applied_now: readonly string[];
}

/** A table with one row a migration, for people. */
export function formatReports(reports: readonly MigrationReport[]): string {
  const rows = reports.flatMap(({ track, schema, applied, pending, applied_now }) => [
    ...applied.map((name) => [track, schema, name, applied_now.includes(name) ? 'applied now' : 'applied']),
    ...pending.map((name) => [track, schema, name, 'pending']),
  ]);
  return formatTable([['track', 'schema', 'migration', 'state'], ...rows]);
}
