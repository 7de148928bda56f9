import type { OrgId } from '../ids.ts';

/** What an organization may take; a limit that is absent is none. */
export interface JobQuotas {
  /** Jobs accepted since the month began in UTC; one that the cache answers at once takes nothing. */
  readonly maxJobsPerMonth?: number | undefined;
  /** Jobs that are accepted and have not ended. */
  readonly maxConcurrentJobs?: number | undefined;
  /** Bytes of the files that its jobs were given and made, each counted once. At or above it no job that has to compute is accepted; those that were run on. */
  readonly maxStorageBytes?: number | undefined;
}

/** What each organization may take. Asked at every submission: an implementation answers from memory as a rule. */
export interface Quotas {
  /** @throws {NotFoundError} when there is no such organization */
  get(orgId: OrgId): Promise<JobQuotas>;
}
