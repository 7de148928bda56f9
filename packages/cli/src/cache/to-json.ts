/** What hosts, tasks and users name stays as they name it. */
const OPAQUE = new Set(['keyComponents', 'producer', 'artifacts', 'misses', 'metadata', 'facts', 'before', 'after']);

/** One JSON object for machines, its own names as those of columns are: `canonical_job_id`. */
export function toJson(value: object): string {
  return `${JSON.stringify(rename(value), undefined, 2)}\n`;
}

function rename(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rename);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [toColumnName(key), OPAQUE.has(key) ? item : rename(item)]),
  );
}

const toColumnName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
