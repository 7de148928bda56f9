import type { OrgId } from '../ids.ts';
import { inAllOrganizations } from '../metadata/metadata-database.ts';
import { getOrganization, listActiveOrganizationIds } from '../metadata/organization.repository.ts';
import type { ReconciledPlatform } from './findings/examined.ts';
import { findIssues } from './findings/find-issues.ts';
import { type Finding, settleIssue } from './findings/finding.ts';

export interface Reconcile {
  /** @default every active organization */
  readonly orgId?: OrgId | undefined;
  /** False: what can be mended is mended, each finding before the next is looked for. @default true */
  readonly dryRun?: boolean | undefined;
  /** What changed within this time is still on its way, and no finding. @default 10_000 */
  readonly graceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Reconciled {
  readonly organizations: number;
  readonly jobs: number;
}

/**
 * Goes through the two databases of every organization and yields where they disagree with each other, with the queue or with the storage. The
 * Results DB is the truth. It may run beside executors: jobs are read in pages, and what is in motion is left alone. One organization that
 * cannot be reached is a finding, and the others go on. Returns how much was looked at.
 * @throws {NotFoundError} when there is no organization `orgId`.
 */
export async function* reconcile(
  platform: ReconciledPlatform,
  { orgId, dryRun = true, graceMs = 10_000, signal }: Reconcile = {},
): AsyncGenerator<Finding, Reconciled> {
  const orgIds = await inAllOrganizations(platform.metadata, async (tx) =>
    orgId === undefined ? listActiveOrganizationIds(tx) : [(await getOrganization(tx, { orgId })).org_id],
  );
  let jobs = 0;
  let organizations = 0;
  for (const id of orgIds) {
    const issues = findIssues(platform, { orgId: id, graceMs, signal });
    let next = await issues.next();
    for (; !next.done; next = await issues.next()) yield await settleIssue(next.value, { orgId: id, dryRun });
    jobs += next.value;
    organizations++;
    if (signal?.aborted) break;
  }
  return { organizations, jobs };
}
