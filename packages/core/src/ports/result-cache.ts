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

/** Which result is wanted, and how good it must be. */
export interface CacheQuestion {
  readonly cacheKey: string;
  /** Entries scored lower, or not scored, are not served. @default that of the cache */
  readonly minConfidence?: number | undefined;
  /** True: answers that would not come out the same again are good enough. @default false */
  readonly acceptStochastic?: boolean | undefined;
}

export interface CacheLookup extends CacheQuestion {
  readonly orgId: OrgId;
  /** True: the answer is not used, and no hit is counted. @default false */
  readonly peek?: boolean | undefined;
}

/** The committed answer of a step, as `task_results` holds it. */
export interface CachedResult {
  readonly serviceName: string | null;
  readonly schemaVersion: string | null;
  readonly resultData: JsonObject;
}

export interface CacheHit {
  readonly outcome: 'hit';
  /** The job that really ran, never another hit. */
  readonly canonicalJobId: string;
  /** Step instance in the canonical job; `*` for a whole job. */
  readonly taskName: string;
  readonly confidenceScore: number | null;
  /** The answer of a step; null for a whole job, whose results are those of its canonical job. */
  readonly result: CachedResult | null;
}

/**
 * Why nothing is served. `low_confidence`: the entry is scored below what is asked for. `not_repeatable`: its task is stochastic or external, and the
 * caller does not accept that. `suspicious`: a docking result without poses or with an absurd score, which the pipeline wants computed again. `artifact_missing`, `artifact_altered`, `result_altered`, `entry_altered`: found now, and the entry quarantined;
 * `artifact_unreadable`: the store did not answer;
 * `quarantined`: found earlier. `disowned`: what computed it is not trusted any more. `drifted`: computed again it came out otherwise.
 */
export type CacheMissReason =
  | 'no_entry'
  | 'expired'
  | 'invalidated'
  | 'disowned'
  | 'drifted'
  | 'quarantined'
  | 'low_confidence'
  | 'not_repeatable'
  | 'suspicious'
  | 'artifact_missing'
  | 'artifact_altered'
  | 'artifact_unreadable'
  | 'result_altered'
  | 'entry_altered'
  | 'off';

export interface CacheMiss {
  readonly outcome: 'miss';
  readonly reason: CacheMissReason;
}

export type CacheDecision = CacheHit | CacheMiss;

/** A file of a result. */
export interface EntryArtifact {
  readonly uri: string;
  readonly sizeBytes: number;
}

export interface NewCacheEntry {
  readonly identity: CacheIdentity;
  readonly pipelineVersion: string;
  /** Step instance; `*` for a whole job. */
  readonly taskName: string;
  readonly canonicalJobId: string;
  readonly confidenceScore: number | null;
  /** Output key or JSON Pointer → file. Everything named here is verified before the entry is served. */
  readonly artifacts: Readonly<Record<string, EntryArtifact>>;
  readonly metricsSummary: JsonObject;
  readonly producer: JsonObject;
  readonly computeMs: number;
  /** Bytes of the files that the request names. */
  readonly inputBytes: number;
  /** See `TaskIdentity`. */
  readonly ignoredAnswerPointers: readonly string[];
}

/** Remembers results by what was asked. Scope is one organization, by construction: it only sees that organization's Results DB. */
export interface ResultCache {
  /** What is asked of a result where neither caller nor pipeline ask anything. @default none */
  readonly minConfidence?: number | undefined;
  /** @throws {NotPlainJsonError} */
  identifyStep(step: {
    readonly orgId: OrgId;
    readonly task: TaskIdentity;
    readonly request: JsonObject;
  }): Promise<CacheIdentity>;
  /** `tasks` in the order of the version's steps; `spec` is the frozen version without row ids. */
  identifyJob(job: {
    readonly orgId: OrgId;
    readonly spec: JsonObject;
    readonly tasks: readonly TaskIdentity[];
    readonly inputs: JsonObject;
    readonly parameters: JsonObject;
  }): Promise<CacheIdentity>;
  /** Serves an entry only after it was verified: its seal, its rows, its artifacts. Counts the hit. Questions of one moment go in one statement. */
  find(results: ResultsDatabase, lookup: CacheLookup): Promise<CacheDecision>;
  /** As `find`, one decision a question in their order, with one statement for all. */
  findMany(
    results: ResultsDatabase,
    lookups: {
      readonly orgId: OrgId;
      readonly questions: readonly CacheQuestion[];
      readonly peek?: boolean | undefined;
    },
  ): Promise<readonly CacheDecision[]>;
  /**
   * Writes entries, each replacing one of lower confidence or one that may not be served; part of the transaction that has written the results.
   * A repeatable result that differs from the one its entry serves disowns both.
   */
  record(
    tx: ResultsTransaction,
    given: { readonly orgId: OrgId; readonly entries: readonly NewCacheEntry[] },
  ): Promise<void>;
}
