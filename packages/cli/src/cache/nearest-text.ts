import type { NearestEntry } from '@mad/cache';

/** The entry that came nearest, and in what it differs. */
export function nearestLines(nearest: NearestEntry | null): readonly string[] {
  if (nearest === null) return [];
  const { canonicalJobId, createdAt, distance, differences } = nearest;
  const made = `job ${canonicalJobId} at ${createdAt.toISOString().slice(0, 19)}Z`;
  if (differences.length === 0) return [`  the entry is that of ${made}`];
  const more = distance > differences.length ? [`    and ${distance - differences.length} more`] : [];
  return [
    `  the nearest entry is that of ${made}; this one differs in`,
    ...differences.map(({ words }) => `    ${words}`),
    ...more,
  ];
}
