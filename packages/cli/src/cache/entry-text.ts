import type { CacheEntry, CacheEvent } from '@mad/cache';
import type { Page } from '@mad/core';
import { formatTable } from '../format-table.ts';
import { count, formatBytes, formatDuration } from './amounts.ts';

const HEAD = ['key', 'state', 'task', 'step', 'confidence', 'hits', 'last used', 'expires', 'size', 'saves', 'job'];

/** A line an entry, newest first, for people. */
export function formatEntries({ items, nextCursor }: Page<CacheEntry>): string {
  if (items.length === 0) return 'no entries\n';
  const more = nextCursor === undefined || nextCursor === null ? '' : `more: --cursor ${nextCursor}\n`;
  return `${formatTable([HEAD, ...items.map(toCells)])}${count(items.length, 'entry', 'entries')}\n${more}`;
}

function toCells(entry: CacheEntry): readonly string[] {
  return [
    entry.cacheKey,
    entry.pinned ? `${entry.state}, pinned` : entry.state,
    entry.taskKey ?? 'whole job',
    entry.taskKey === null ? '-' : entry.taskName,
    entry.confidenceScore === null ? '-' : String(entry.confidenceScore),
    String(entry.hitCount),
    timeOf(entry.lastUsedAt),
    timeOf(entry.expiresAt),
    entry.sizeBytes === null ? '-' : formatBytes(entry.sizeBytes),
    entry.computeMs === null ? '-' : formatDuration(entry.computeMs),
    entry.canonicalJobId,
  ];
}

const timeOf = (time: Date | null): string => (time === null ? '-' : time.toISOString().slice(0, 16).replace('T', ' '));

/** Everything about one entry, a line a fact, and what happened to it. */
export function formatEntry(entry: CacheEntry & { readonly history: readonly CacheEvent[] }): string {
  const facts: readonly (readonly [string, string])[] = [
    ['key', entry.cacheKey],
    ['state', [entry.state, entry.reason, entry.pinned ? 'pinned' : null].filter((text) => text !== null).join(', ')],
    ['task', entry.taskKey ?? 'whole job'],
    ['step', entry.taskKey === null ? '-' : entry.taskName],
    ['pipeline', entry.pipelineVersion],
    ['job', entry.canonicalJobId],
    ['confidence', entry.confidenceScore === null ? 'not scored' : String(entry.confidenceScore)],
    ['determinism', entry.determinism ?? '-'],
    ['hits', `${entry.hitCount}, last used ${timeOf(entry.lastUsedAt)}`],
    ['made', timeOf(entry.createdAt)],
    ['expires', timeOf(entry.expiresAt)],
    ['saves', entry.computeMs === null ? '-' : formatDuration(entry.computeMs)],
    ['size', entry.sizeBytes === null ? '-' : formatBytes(entry.sizeBytes)],
    ...Object.entries(entry.artifacts).map(([key, uri]) => [`file ${key}`, uri] as const),
    ['producer', JSON.stringify(entry.producer)],
    ['components', JSON.stringify(entry.keyComponents)],
  ];
  const history = entry.history.map(({ ts, event, reason, canonicalJobId }) => [
    timeOf(ts),
    event,
    reason ?? '-',
    canonicalJobId ?? '-',
  ]);
  const told = history.length === 0 ? '' : `\n${formatTable([['when', 'event', 'reason', 'job before'], ...history])}`;
  return `${formatTable(facts)}${told}`;
}
