import type { JsonValue } from '@mad/core';
import type { Rule } from './rule.ts';

/** Why the results of a job are the cache's, or are not. */
export interface JobExplanation {
  readonly jobId: string;
  /** The label `name@version`. */
  readonly pipelineVersion: string;
  readonly status: string;
  /** What was decided for the whole job. */
  readonly job: Explanation;
  /** What was decided for each step instance, in the order of the pipeline's steps; none where the whole job was served. */
  readonly steps: readonly Explanation[];
}

/**
 * `hit`: served. `waited`: another job computed it at that time, and it was waited for. `miss`: asked, and nothing served. `not_asked`: the cache was not
 * to be asked, or there is none. `reused`: taken over from the job that this one was forked from. `skipped`: the step did not run. `failed`: its
 * request could not be made. `open`: not decided yet.
 */
export type Decision = 'hit' | 'waited' | 'miss' | 'not_asked' | 'reused' | 'skipped' | 'failed' | 'open';

/** One decision of the cache. */
export interface Explanation {
  /** Step instance, `dock` or `dock[<key>]`; `*` for the whole job. */
  readonly taskName: string;
  /** Null for the whole job. */
  readonly taskKey: string | null;
  readonly decision: Decision;
  /** What made it. */
  readonly rule: Rule;
  readonly decidedAt: Date | null;
  readonly cacheKey: string | null;
  /** The earlier entry with the fewest differences; null where there is none, where nothing was asked, and for what was served. */
  readonly nearest: NearestEntry | null;
}

/** An entry made before the decision, and what sets it apart. */
export interface NearestEntry {
  readonly cacheKey: string;
  /** The job that computed it. */
  readonly canonicalJobId: string;
  readonly taskName: string;
  /** The label `name@version`; null where the entry has been replaced since. */
  readonly pipelineVersion: string | null;
  readonly confidenceScore: number | null;
  readonly createdAt: Date;
  /** How many components differ. */
  readonly distance: number;
  /** The first 20 of them; none: it is the entry of this very question, and the rule says why it was not served. */
  readonly differences: readonly Difference[];
}

/** A component of a key that differs. Long values are cut; of a salt only that it differs is told. */
export interface Difference {
  /** JSON Pointer into `keyComponents`. */
  readonly component: string;
  /** Of the earlier entry; undefined where it has none. */
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
  /** `parameters.seed 1 → 2`, `ligand: line 2 only`, `image digest changed` … */
  readonly words: string;
}
