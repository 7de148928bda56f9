import { systemClock } from '../clock.ts';
import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import { inAllOrganizations } from '../metadata/metadata-database.ts';
import { listOrganizations } from '../metadata/organization.repository.ts';
import type { Platform } from '../platform.ts';
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

async function recoverOrganization({ results, queue, logger = silentLogger }: Platform, orgId: OrgId): Promise<void> {
  try {
    for (const { job_id, priority } of await listRecoverableJobs(await results.get(orgId), { limit: 500 })) {
      await queue.enqueue({ orgId, jobId: job_id, priority });
    }
  } catch (error) {
    logger.warn({ err: error, org_id: orgId }, 'recovery could not reach this organization; the others go on');
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
