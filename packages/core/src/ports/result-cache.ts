import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { ResultsDatabase, ResultsTransaction } from '../results/results-database.ts';
import type { TaskIdentity } from './task-runner.ts';

/** What a result is looked up by. `keyComponents` are the facts behind `cacheKey`, kept so that a miss can be explained. */
export interface CacheIdentity {
  /** SHA-256 over the normalized inputs and parameters. */
  readonly inputSignature: string;
  /** SHA-256 over the input signature and the identity of what computes. */
  readonly cacheKey: string;
  readonly keyComponents: JsonObject;
}

export interface CacheLookup {
  readonly orgId: OrgId;
  readonly cacheKey: string;
  /** Entries scored lower, or not scored, are not served. Absent: any confidence. */
  readonly minConfidence?: number | undefined;
  /** True: answers that would not come out the same again are good enough. @default false */
  readonly acceptStochastic?: boolean | undefined;
}

export interface CacheHit {
  readonly outcome: 'hit';
  /** The job that really ran, never another hit. */
  readonly canonicalJobId: string;
  /** Step instance in the canonical job; `*` for a whole job. */
  readonly taskName: string;
  readonly confidenceScore: number | null;
}

export interface CacheMiss {
  readonly outcome: 'miss';
  readonly reason:
    | 'no_entry'
    | 'expired'
    | 'invalidated'
    | 'low_confidence'
    | 'artifact_missing'
    | 'not_repeatable'
    | 'off';
}

export type CacheDecision = CacheHit | CacheMiss;

export interface NewCacheEntry {
  readonly identity: CacheIdentity;
  readonly pipelineVersion: string;
  /** Step instance; `*` for a whole job. */
  readonly taskName: string;
  readonly canonicalJobId: string;
  readonly confidenceScore: number | null;
  /** Output key → artifact URI. Everything named here is verified before the entry is served. */
  readonly artifactMap: Readonly<Record<string, string>>;
  readonly metricsSummary: JsonObject;
  readonly producer: JsonObject;
  readonly computeMs: number;
}

/** Remembers results by what was asked. Scope is one organization, by construction: it only sees that organization's Results DB. */
export interface ResultCache {
  identifyStep(step: { readonly task: TaskIdentity; readonly request: JsonObject }): CacheIdentity;
  /** `tasks` in the order of the version's steps; `spec` is the frozen version without row ids. */
  identifyJob(job: {
    readonly spec: JsonObject;
    readonly tasks: readonly TaskIdentity[];
    readonly inputs: JsonObject;
    readonly parameters: JsonObject;
  }): CacheIdentity;
  /** Serves an entry only after its artifacts were found with their digests. Counts the hit. */
  find(results: ResultsDatabase, lookup: CacheLookup): Promise<CacheDecision>;
  /** Writes the entry, or replaces one of lower confidence; part of the transaction that commits the result. */
  record(tx: ResultsTransaction, entry: NewCacheEntry): Promise<void>;
}
