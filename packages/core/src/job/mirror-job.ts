import type { OrgId } from '../ids.ts';
import { type Logger, silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import { listMirroredJobs } from '../results/mirrored-job.repository.ts';
import { nameJobs } from './name-jobs.ts';
import { type WrittenMirrors, writeMirrors } from './write-mirrors.ts';

/** What mirroring needs of a platform. */
export type MirrorPlatform = Pick<Platform, 'metadata' | 'results' | 'logger' | 'clock'>;

/**
 * Brings the job's line in the Metadata DB up to its row in the Results DB, never back. The row is the truth: a mirror that could not be
 * written is repaired later, and fails no job.
 */
export async function mirrorJob(
  platform: MirrorPlatform,
  { orgId, jobId }: { readonly orgId: OrgId; readonly jobId: string },
): Promise<void> {
  await mirrorJobs(platform, { orgId, jobIds: [jobId] });
}

/**
 * `mirrorJob` for many jobs of one organization: one query of its Results DB and one transaction in the Metadata DB. Never throws; returns
 * whether every mirror now shows its job's state.
 */
export async function mirrorJobs(
  { metadata, results, logger = silentLogger }: MirrorPlatform,
  { orgId, jobIds }: { readonly orgId: OrgId; readonly jobIds: readonly string[] },
): Promise<boolean> {
  if (jobIds.length === 0) return true;
  try {
    const jobs = await listMirroredJobs(await results.get(orgId), { jobIds });
    const written = await writeMirrors(metadata, { orgId, jobs });
    logRefused(logger, orgId, written);
    return written.refused.length === 0;
  } catch (error) {
    const facts = { err: error, ...nameJobs(orgId, jobIds) };
    logger.warn(facts, 'jobs could not be mirrored to the metadata database; recovery repairs it');
    return false;
  }
}

/** What no later try can mend is for people to look at. */
export function logRefused(logger: Logger, orgId: OrgId, { refused }: WrittenMirrors): void {
  for (const { jobId, error } of refused)
    logger.warn({ err: error, org_id: orgId, job_id: jobId }, 'the metadata database refuses the mirror of a job');
}
