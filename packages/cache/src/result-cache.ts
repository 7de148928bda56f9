import {
  type ArtifactStore,
  type CacheHit,
  type CacheMiss,
  type Clock,
  findCacheEntry,
  invalidateCacheEntry,
  type Logger,
  type ResultCache,
  silentLogger,
  systemClock,
  touchCacheEntries,
  upsertCacheEntry,
} from '@mad/core';
import { findBrokenArtifact } from './entry/find-broken-artifact.ts';
import { judgeEntry } from './entry/judge-entry.ts';
import { jobKey, type KeySalt, stepKey } from './signature/cache-key.ts';

/** Where the results' files are, and for how long a result holds. */
export interface ResultCacheOptions extends KeySalt {
  readonly artifacts: ArtifactStore;
  /** Entries older than this are not served. @default they do not age */
  readonly maxAgeMs?: number | undefined;
  /** Tells which entries have expired. @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

/**
 * Remembers results by the digest of what was asked. An entry is served only if it is neither invalidated, expired nor below the caller's
 * confidence, and every artifact it names still has its digest; one that lacks an artifact is invalidated and never served again. Results of
 * tasks that are not repeatable are remembered, and served only on request. A new result replaces an entry only with better confidence, or
 * when the entry can no longer be served. Failures have no entry: only a committed result is recorded.
 */
export function createResultCache({
  artifacts,
  salt,
  maxAgeMs,
  clock = systemClock,
  logger = silentLogger,
}: ResultCacheOptions): ResultCache {
  return {
    identifyStep: (step) => stepKey({ ...step, salt }),
    identifyJob: (job) => jobKey({ ...job, salt }),
    async find(results, lookup) {
      const { orgId, cacheKey } = lookup;
      const entry = await findCacheEntry(results, { cacheKey });
      if (entry === undefined) return miss('no_entry');
      const obstacle = judgeEntry(entry, { ...lookup, now: clock.now() });
      if (obstacle !== undefined) return miss(obstacle);
      const broken = await findBrokenArtifact(artifacts, { orgId, artifactMap: entry.artifact_map });
      if (broken !== undefined) {
        await invalidateCacheEntry(results, { cacheKey, reason: 'artifact_missing' });
        logger.warn(
          { orgId, cacheKey, output: broken, canonicalJobId: entry.canonical_job_id },
          'a cached result lost an artifact and is no longer served',
        );
        return miss('artifact_missing');
      }
      await touchCacheEntries(results, { cacheKeys: [cacheKey] });
      return hit(entry);
    },
    async record(tx, { identity, pipelineVersion, ...entry }) {
      await upsertCacheEntry(tx, {
        cache_key: identity.cacheKey,
        input_signature: identity.inputSignature,
        key_components: identity.keyComponents,
        pipeline_version: pipelineVersion,
        task_name: entry.taskName,
        canonical_job_id: entry.canonicalJobId,
        confidence_score: entry.confidenceScore,
        artifact_map: entry.artifactMap,
        metrics_summary: entry.metricsSummary,
        producer: entry.producer,
        compute_ms: Math.round(entry.computeMs),
        expires_at: maxAgeMs === undefined ? null : new Date(clock.now().getTime() + maxAgeMs),
      });
    },
  };
}

const miss = (reason: CacheMiss['reason']): CacheMiss => ({ outcome: 'miss', reason });

function hit(entry: { canonical_job_id: string; task_name: string; confidence_score: number | null }): CacheHit {
  return {
    outcome: 'hit',
    canonicalJobId: entry.canonical_job_id,
    taskName: entry.task_name,
    confidenceScore: entry.confidence_score,
  };
}
