import type { Goal } from '../goal.ts';

/** What a contest measured. */
export interface CacheContest {
  /** A table for people; its first row is the head. */
  readonly rows: readonly (readonly string[])[];
  readonly goals: readonly Goal[];
}
