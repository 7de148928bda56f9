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

const timeOf = (time: Date | null): string => (time === null ? '-' : `${time.toISOString().slice(0, 19)}Z`);

/** Everything about one entry, a line a fact, and what happened to it. */
export function formatEntry(entry: CacheEntry & { readonly history: readonly CacheEvent[] }): string {
  const facts: readonly (readonly [string, string])[] = [
    ['key', entry.cacheKey],
    ['state', stateOf(entry)],
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
  const told = entry.history.length === 0 ? '' : `\n${formatTable([EVENT_HEAD, ...entry.history.map(toEventCells)])}`;
  return `${formatTable(facts)}${told}`;
}

/** A reason that says no more than the state is left out. */
function stateOf({ state, reason, pinned }: CacheEntry): string {
  return [state, reason === state ? null : reason, pinned ? 'pinned' : null].filter((text) => text !== null).join(', ');
}

const EVENT_HEAD = ['when', 'event', 'reason', 'by user', 'job before', 'confidence before', 'values'];
/** Characters of what an event keeps; `--json` shows all of it. */
const MAX_VALUES = 200;

function toEventCells(event: CacheEvent): readonly string[] {
  const { ts, reason, actor, canonicalJobId, confidenceScore, metadata } = event;
  const values = Object.keys(metadata).length === 0 ? '-' : JSON.stringify(metadata);
  return [
    ...[timeOf(ts), event.event, reason ?? '-', actor ?? '-', canonicalJobId ?? '-'],
    ...[confidenceScore === null ? '-' : String(confidenceScore)],
    values.length > MAX_VALUES ? `${values.slice(0, MAX_VALUES)}…` : values,
  ];
}
