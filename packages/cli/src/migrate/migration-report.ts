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

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
