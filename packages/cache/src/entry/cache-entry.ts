import type { CacheEntryState, CacheEventRow, JsonObject, StatedEntryRow } from '@mad/core';

/** An entry as its organization sees it. Times are the database's, sizes bytes. */
export interface CacheEntry {
  readonly cacheKey: string;
  readonly state: CacheEntryState;
  /** Why it is not served, where it was taken out of service. */
  readonly reason: string | null;
  /** Null for a whole job. */
  readonly taskKey: string | null;
  /** Step instance in the canonical job; `*` for a whole job. */
  readonly taskName: string;
  readonly pipelineVersion: string;
  readonly canonicalJobId: string;
  /** 0..1; null: not scored. */
  readonly confidenceScore: number | null;
  readonly determinism: string | null;
  /** It does not expire, is not evicted, and gives way only to a better result. */
  readonly pinned: boolean;
  readonly hitCount: number;
  readonly lastUsedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** What a hit saves. */
  readonly computeMs: number | null;
  readonly sizeBytes: number | null;
  /** Output key or JSON Pointer into the answer → `mad://` URI. */
  readonly artifacts: Readonly<Record<string, string>>;
  readonly keyComponents: JsonObject;
  readonly producer: JsonObject;
  readonly inputSignature: string | null;
}

/** Something that happened to an entry. */
export interface CacheEvent {
  readonly ts: Date;
  /** `RECORDED_BETTER`, `RECORDED_ANEW`, `INVALIDATED`, `QUARANTINED`, `DISOWNED`, `DRIFTED`, `EVICTED`, `PINNED`, `UNPINNED` or `EXPIRY_SET`. */
  readonly event: string;
  readonly reason: string | null;
  /** The job whose result the entry held before, and how that was scored. */
  readonly canonicalJobId: string | null;
  readonly confidenceScore: number | null;
  /** Who asked for it; null: the cache itself, or work that no user asked for. */
  readonly actor: string | null;
  readonly metadata: JsonObject;
}

export function toCacheEntry(row: StatedEntryRow): CacheEntry {
  const { task } = row.key_components;
  const isTask = typeof task === 'object' && task !== null && !Array.isArray(task);
  const taskKey = isTask && 'taskKey' in task ? task.taskKey : null;
  return {
    cacheKey: row.cache_key,
    state: row.state,
    reason: row.invalidated_reason,
    taskKey: typeof taskKey === 'string' ? taskKey : null,
    taskName: row.task_name,
    pipelineVersion: row.pipeline_version,
    canonicalJobId: row.canonical_job_id,
    confidenceScore: row.confidence_score,
    determinism: row.determinism,
    pinned: row.pinned,
    hitCount: row.hit_count,
    lastUsedAt: row.last_used_at,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    computeMs: row.compute_ms,
    sizeBytes: row.size_bytes,
    artifacts: row.artifact_map,
    keyComponents: row.key_components,
    producer: row.producer,
    inputSignature: row.input_signature,
  };
}

export function toCacheEvent({
  ts,
  event,
  reason,
  canonical_job_id,
  confidence_score,
  actor,
  metadata,
}: CacheEventRow): CacheEvent {
  return { ts, event, reason, canonicalJobId: canonical_job_id, confidenceScore: confidence_score, actor, metadata };
}
