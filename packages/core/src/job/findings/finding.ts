import { isMadError } from '../../errors.ts';
import type { OrgId } from '../../ids.ts';
import { findSqlState } from '../../postgres/sqlstate.ts';

/**
 * What two databases, the queue and the storage can disagree in. `mirror_missing`, `mirror_behind`, `mirror_ahead`: the job's line in the Metadata
 * DB; `job_unknown`: a line without a job. `lease_expired`: RUNNING, and nobody runs it. `jobs_not_queued`: more is due than the queue holds.
 * `attempt_open`: an attempt that goes on after its job ended. `events_gap`: a timeline that is not 1..n. `artifact_missing`: a file whose
 * bytes are gone. `stamp_mismatch`: another organization's database. `database_unreachable`: nothing could be looked at.
 */
export type FindingKind =
  | 'mirror_missing'
  | 'mirror_behind'
  | 'mirror_ahead'
  | 'job_unknown'
  | 'lease_expired'
  | 'jobs_not_queued'
  | 'attempt_open'
  | 'events_gap'
  | 'artifact_missing'
  | 'stamp_mismatch'
  | 'database_unreachable';

export interface Finding {
  readonly kind: FindingKind;
  readonly orgId: OrgId;
  /** Null for what concerns the organization as a whole. */
  readonly jobId: string | null;
  /** What was found, for people. */
  readonly found: string;
  /** What mends it. */
  readonly remedy: string;
  /** `fixable`: would be mended without the dry run. `fixed`: was. `left`: is for people to mend. */
  readonly outcome: 'fixable' | 'fixed' | 'left';
}

/** A finding before it is decided what becomes of it. */
export interface Issue extends Omit<Finding, 'outcome' | 'orgId'> {
  /** Does what `remedy` says; absent where only people can. */
  readonly mend?: (() => Promise<void>) | undefined;
}

/** Mends the issue unless it is a dry run. Never throws: what could not be mended says why. */
export async function settleIssue(
  { mend, ...issue }: Issue,
  { orgId, dryRun }: { readonly orgId: OrgId; readonly dryRun: boolean },
): Promise<Finding> {
  if (!mend) return { ...issue, orgId, outcome: 'left' };
  if (dryRun) return { ...issue, orgId, outcome: 'fixable' };
  try {
    await mend();
    return { ...issue, orgId, outcome: 'fixed' };
  } catch (error) {
    return { ...issue, orgId, remedy: `${issue.remedy}: tried, ${reasonOf(error)}`, outcome: 'left' };
  }
}

/** Why something failed, without what a driver's message may hold. */
export function reasonOf(error: unknown): string {
  if (isMadError(error)) return error.message;
  const state = findSqlState(error);
  if (state !== undefined) return `the database answered with SQLSTATE ${state}`;
  return `it failed with ${error instanceof Error ? error.name : 'an unknown error'}`;
}
