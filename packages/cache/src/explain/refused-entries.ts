import {
  type CacheEntryRow,
  type CacheEventRow,
  isJsonObject,
  type JsonObject,
  listCacheEvents,
  type ResultsDatabase,
} from '@mad/core';
import type { RefusedEntry } from './rule.ts';

/** A question to which an entry stood that was not served. */
export interface RefusedQuestion {
  readonly cacheKey: string;
  readonly askedAt: Date;
}

/** An entry as it stood when it was not served. */
export interface EntryThen extends RefusedEntry {
  readonly canonicalJobId: string | null;
  readonly createdAt: Date | null;
  /** Step instance in its job; null where the history does not tell. */
  readonly taskName: string | null;
  readonly pipelineVersion: string | null;
}

/** The entry that stood there: the one that is there still, or what the history says of it since another has taken its place. */
export async function findEntryThen(
  results: ResultsDatabase,
  { cacheKey, askedAt }: RefusedQuestion,
  entry: CacheEntryRow | undefined,
): Promise<EntryThen | undefined> {
  const events = await listCacheEvents(results, { cacheKey });
  if (entry && entry.created_at <= askedAt) {
    // Drift lowers the confidence of what stood there; the event keeps what it was.
    const lowered = events.findLast(({ ts, event }) => ts >= askedAt && event === 'DRIFTED');
    const now = toEntryThen(entry);
    return lowered ? { ...now, confidenceScore: lowered.confidence_score } : now;
  }
  // Newest first: the first change after the question is the one that ended what stood there then.
  const replaced = events.findLast(({ ts, event }) => ts >= askedAt && event.startsWith('RECORDED_'));
  if (!replaced) return entry && toEntryThen(entry);
  const barred = events.find(({ ts, event }) => ts <= replaced.ts && BARRING.has(event));
  return toReplaced(replaced, barred);
}

const BARRING = new Set(['INVALIDATED', 'QUARANTINED', 'DISOWNED', 'DRIFTED']);

function toEntryThen(entry: CacheEntryRow): EntryThen {
  return {
    canonicalJobId: entry.canonical_job_id,
    createdAt: entry.created_at,
    taskName: entry.task_name,
    pipelineVersion: entry.pipeline_version,
    confidenceScore: entry.confidence_score,
    determinism: entry.determinism,
    expiresAt: entry.expires_at,
    invalidatedAt: entry.invalidated_at,
    reason: entry.invalidated_reason,
  };
}

function toReplaced(replaced: CacheEventRow, barred: CacheEventRow | undefined): EntryThen {
  const metadata: JsonObject = isJsonObject(replaced.metadata) ? replaced.metadata : {};
  const text = (name: string) => (typeof metadata[name] === 'string' ? metadata[name] : null);
  const time = (name: string) => (text(name) === null ? null : new Date(text(name) ?? 0));
  const reason = text('invalidated_reason');
  return {
    canonicalJobId: replaced.canonical_job_id,
    createdAt: time('created_at'),
    taskName: null,
    pipelineVersion: null,
    confidenceScore: replaced.confidence_score,
    determinism: text('determinism'),
    expiresAt: time('expires_at'),
    invalidatedAt: reason === null ? null : (time('invalidated_at') ?? barred?.ts ?? null),
    reason,
  };
}
