import type { Expected, Percentiles } from './expected-time.ts';
import type { NearestEntry } from './explanation.ts';
import type { Rule } from './rule.ts';

/**
 * `hit`: would be served. `join`: another job computes it now and would be waited for; or another step of this one will. `miss`: would be computed.
 * `unknown`: what it reads is computed first. `skip`: would not run. `fail`: its request cannot be made.
 */
export type Outlook = 'hit' | 'join' | 'miss' | 'unknown' | 'skip' | 'fail';

/** What a job would meet if it were submitted now. */
export interface JobPlan {
  /** The label `name@version`. */
  readonly pipelineVersion: string;
  readonly job: PlannedPart;
  /** Each step instance in the order of the pipeline's steps; none where the whole job would be served, or wait for another. */
  readonly steps: readonly PlannedStep[];
  readonly expected: {
    /** From start to end where nothing has to wait for a free place: the longest way through the steps; for a job that would wait for another what is left of that. Null where a step on the way was never computed. */
    readonly elapsedSeconds: Percentiles | null;
    /** Steps of which nothing is known from before, so that the sums lack them. */
    readonly unknownSteps: readonly string[];
  };
  /** What of a quota it would take. */
  readonly quota: {
    /** 0 where it is served. */
    readonly jobs: 0 | 1;
    /** Of all steps that would be computed and of which something is known from before. */
    readonly computeSeconds: Percentiles;
  };
}

/** The whole job, or a step of it. */
export interface PlannedPart {
  readonly outlook: Outlook;
  readonly rule: Rule;
  readonly cacheKey: string | null;
  /** The entry with the fewest differences, for a miss without an entry. */
  readonly nearest: NearestEntry | null;
}

export interface PlannedStep extends PlannedPart {
  /** Step instance, `dock` or `dock[<key>]`; the step itself where its items are not known yet. */
  readonly taskName: string;
  readonly taskKey: string;
  /** What it would take, by what the same task took before; of one that another job computes what is left of that. Null where it would take nothing, or nothing is known. */
  readonly expected: Expected | null;
}
