import type { OrgId } from '../../ids.ts';
import type { Platform } from '../../platform.ts';
import type { ResultsDatabase } from '../../results/results-database.ts';

/** What `reconcile` needs of a platform. Without `artifacts` files are not looked for, without `queue` nothing is enqueued. */
export type ReconciledPlatform = Pick<Platform, 'metadata' | 'results' | 'logger'> &
  Partial<Pick<Platform, 'artifacts' | 'queue'>>;

export interface FindIssues {
  readonly orgId: OrgId;
  readonly graceMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What every check of one organization works on. */
export interface Examined extends FindIssues {
  readonly platform: ReconciledPlatform;
  readonly results: ResultsDatabase;
}
