import { systemClock } from '../clock.ts';
import type { OrgId } from '../ids.ts';
import { mirrorJob } from '../job/mirror-job.ts';
import { silentLogger } from '../logger.ts';
import { listJobsMeta } from '../metadata/job-meta.repository.ts';
import { inAllOrganizations, inOrganization } from '../metadata/metadata-database.ts';
import { listOrganizations } from '../metadata/organization.repository.ts';
import type { Platform } from '../platform.ts';
import { listClosedJobIds } from '../results/job.repository.ts';
import { listRecoverableJobs } from '../results/job-lease.repository.ts';

/** Enqueues every due job that no executor holds, at once and then every `everyMs`, until the signal aborts. Never rejects. */
export async function recoverJobs(
  platform: Platform,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
): Promise<void> {
  const { clock = systemClock, logger = silentLogger } = platform;
  while (!signal.aborted) {
    try {
      for await (const orgId of activeOrganizations(platform)) {
        if (signal.aborted) return;
        await recoverOrganization(platform, orgId);
      }
    } catch (error) {
      logger.warn({ err: error }, 'recovery could not list the organizations; it tries again');
    }
    await clock.sleep(everyMs, signal).catch(() => {});
  }
}

async function recoverOrganization(platform: Platform, orgId: OrgId): Promise<void> {
  const { results, queue, logger = silentLogger } = platform;
  try {
    for (const { job_id, priority } of await listRecoverableJobs(await results.get(orgId), { limit: 500 })) {
      await queue.enqueue([{ orgId, jobId: job_id, priority }]);
    }
    await repairMirrors(platform, orgId);
  } catch (error) {
    logger.warn({ err: error, org_id: orgId }, 'recovery could not reach this organization; the others go on');
  }
}

/** Jobs that have ended while the Metadata DB could not be told. */
async function repairMirrors(platform: Platform, orgId: OrgId): Promise<void> {
  const results = await platform.results.get(orgId);
  const open = await inOrganization(platform.metadata, orgId, (tx) =>
    listJobsMeta(tx, { statuses: ['PENDING', 'RUNNING'], limit: 500 }),
  );
  for (const jobId of await listClosedJobIds(results, { jobIds: open.items.map((job) => job.job_id) })) {
    await mirrorJob(platform, { orgId, jobId });
  }
}

async function* activeOrganizations({ metadata }: Platform): AsyncGenerator<OrgId> {
  let cursor: string | undefined;
  do {
    const page = await inAllOrganizations(metadata, (tx) =>
      listOrganizations(tx, { status: 'active', limit: 500, cursor }),
    );
    for (const { org_id } of page.items) yield org_id;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
