import {
  authorize,
  type Caller,
  type Clock,
  checkRequest,
  getOrganization,
  inAllOrganizations,
  inOrganization,
  type JobQuotas,
  type JobUsage,
  type JsonObject,
  type MetadataDatabase,
  type OrgId,
  type Quotas,
  Recent,
  type ResultsDatabases,
  readJobUsage,
  readStoredBytes,
  recordOperatorAudit,
  systemClock,
  updateOrganization,
} from '@mad/core';
import { z } from 'zod';

/** Limits of one organization as its row keeps them; one that is absent is no limit. */
export interface OrganizationQuotas {
  /** Enforced when jobs are submitted; one that the cache answers at once takes nothing. */
  readonly max_jobs_per_month?: number | undefined;
  /** Enforced when jobs are submitted: accepted and not ended. */
  readonly max_concurrent_jobs?: number | undefined;
  /**
   * Gigabytes (10⁹ bytes) of the files that its jobs were given and made, each counted once until it is collected as garbage. Enforced when jobs are submitted:
   * at or above it none that computes is accepted. Files that were uploaded and that no job was given are not counted.
   */
  readonly max_storage_gb?: number | undefined;
}

const count = z.number().int().nonnegative().optional();
export const quotasSchema = z.strictObject({
  max_jobs_per_month: count,
  max_concurrent_jobs: count,
  max_storage_gb: z.number().nonnegative().optional(),
});

export interface QuotasOptions {
  readonly metadata: MetadataDatabase;
  /** For how long limits count after they were read. @default 1_000 */
  readonly refreshMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** Of each some 200 bytes of memory. */
const MOST_KNOWN = 10_000;

/** The limits that organizations' rows keep, for `Platform.quotas`; a change holds for all processes after `refreshMs`. */
export function createQuotas({ metadata, refreshMs = 1_000, clock = systemClock }: QuotasOptions): Quotas {
  const known = new Recent<OrgId, { readonly quotas: Promise<JobQuotas>; readonly until: number }>(MOST_KNOWN);
  return {
    get(orgId) {
      const now = clock.now().getTime();
      const before = known.get(orgId);
      if (before && now < before.until) return before.quotas;
      const quotas = inOrganization(metadata, orgId, async (tx) =>
        toJobQuotas((await getOrganization(tx, { orgId })).quotas),
      );
      known.set(orgId, { quotas, until: now + refreshMs });
      // The next caller asks again; who asked at the same moment gets the same answer.
      quotas.catch(() => known.delete(orgId));
      return quotas;
    },
  };
}

/** What was written by other means and is no limit, limits nothing. */
function toJobQuotas(quotas: JsonObject): JobQuotas {
  const limit = (name: keyof OrganizationQuotas): number | undefined => {
    const value = quotas[name];
    return typeof value === 'number' && value >= 0 ? value : undefined;
  };
  const gigabytes = limit('max_storage_gb');
  return {
    maxJobsPerMonth: limit('max_jobs_per_month'),
    maxConcurrentJobs: limit('max_concurrent_jobs'),
    maxStorageBytes: gigabytes === undefined ? undefined : gigabytes * 1e9,
  };
}

/**
 * Sets all limits of the caller's organization; one that is left out is none from now on. What is over a new limit already stays. For the operator:
 * an organization cannot write its own row, so the metadata login needs the role `mad_operator`.
 * @throws {PermissionDeniedError} without `org.quota.update`, which no seeded role holds and no administrator can grant
 * @throws {ValidationFailedError} @throws {NotFoundError} when there is no such organization
 */
export async function setQuotas(
  metadata: MetadataDatabase,
  caller: Caller,
  quotas: OrganizationQuotas,
): Promise<OrganizationQuotas> {
  authorize(caller, 'org.quota.update');
  checkRequest(quotasSchema, { subject: 'quotas', value: quotas });
  const { orgId, userId } = caller;
  return inAllOrganizations(metadata, async (tx) => {
    const { quotas: before } = await getOrganization(tx, { orgId });
    const { quotas: after } = await updateOrganization(tx, { orgId, set: { quotas: { ...quotas } } });
    const change = {
      action: 'org.quota.update',
      entityType: 'organization',
      entityId: orgId,
      before,
      after,
      facts: { quotas: after },
    };
    await recordOperatorAudit(tx, { orgId, actor: userId }, change);
    return after as OrganizationQuotas;
  });
}

/** What of its limits an organization has used. */
export interface QuotaUsage extends JobUsage {
  /** Bytes that count for `max_storage_gb`; undefined while its Results DB is of a version that does not count them. */
  readonly storedBytes: number | undefined;
}

/** The caller's organization's limits, and what of them is used. @throws {PermissionDeniedError} without `org.view` */
export async function readQuotas(
  { metadata, results }: { readonly metadata: MetadataDatabase; readonly results: ResultsDatabases },
  caller: Caller,
): Promise<{ readonly quotas: OrganizationQuotas; readonly used: QuotaUsage }> {
  authorize(caller, 'org.view');
  const { orgId } = caller;
  const { quotas } = await inOrganization(metadata, orgId, (tx) => getOrganization(tx, { orgId }));
  const db = await results.get(orgId);
  const [jobs, storedBytes] = await Promise.all([readJobUsage(db), readStoredBytes(db)]);
  return { quotas: quotas as OrganizationQuotas, used: { ...jobs, storedBytes } };
}
