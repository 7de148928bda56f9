import type { OrgId } from '../ids.ts';
import { announceFollowers } from '../job/announce-followers.ts';
import { mirrorJobs } from '../job/mirror-job.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import { listMirrorPoints, listOldestOpenMirrors } from '../metadata/mirror-point.repository.ts';
import type { Platform } from '../platform.ts';
import type { Page } from '../postgres/page.ts';
import {
  countDueJobs,
  type DueJob,
  findNextDueMs,
  listChangedJobs,
  listDueJobs,
  listExpiredJobs,
} from '../results/due-job.repository.ts';
import { failOverdueJobs } from '../results/fail-overdue-jobs.ts';
import { closeFollowers } from '../results/followers.ts';
import { listMirroredJobs } from '../results/mirrored-job.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { JOB_STATUSES, type JobStatus } from '../results/tables/job-status.ts';
import { tell } from './diagnostics.ts';

const PAGE = 500;
/** The mirror of what changed within this time is still on its way; the next look covers it. */
const ON_ITS_WAY_MS = 2_000;

export interface RecoverOrganization {
  readonly orgId: OrgId;
  readonly sinceMs: number;
  readonly signal: AbortSignal;
}

interface Look {
  readonly platform: Platform;
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly signal: AbortSignal;
}

/**
 * Looks after one organization: enqueues what is due or has lost its executor, closes what is overdue, and mends mirrors that fell behind, of jobs that changed within
 * `sinceMs` and of the oldest open ones. An aborted signal ends it after the page at hand. Returns in how many milliseconds something falls due next.
 */
export async function recoverOrganization(
  platform: Platform,
  { orgId, sinceMs, signal }: RecoverOrganization,
): Promise<number | undefined> {
  const look: Look = { platform, orgId, results: await platform.results.get(orgId), signal };
  // Asked first: what falls due while this look goes on is either told here or found below.
  const nextDueMs = await findNextDueMs(look.results);
  const askedAt = performance.now();
  await failOverdue(look);
  await enqueueExpired(look);
  await enqueueDue(look);
  await repairChanged(look, sinceMs);
  await repairOldestOpen(look);
  return nextDueMs === undefined ? undefined : Math.max(0, nextDueMs - (performance.now() - askedAt));
}

/** Closed before they could start: their deadline has passed. */
async function failOverdue(look: Look): Promise<void> {
  const { platform, orgId, results, signal } = look;
  for (let isMore = true; isMore && !signal.aborted; ) {
    const jobIds = await failOverdueJobs(results, { limit: PAGE });
    isMore = jobIds.length === PAGE;
    for (const job_id of jobIds)
      tell('job.closed', { org_id: orgId, job_id, status: 'FAILED', code: 'TIMEOUT', elapsed_ms: null });
    platform.signals?.publish(
      'job.changed',
      jobIds.map((jobId) => ({ orgId, jobId })),
    );
    await freeFollowers(look, jobIds);
    await mirrorJobs(platform, { orgId, jobIds });
  }
}

/** Whoever waited for them is run, and nobody waits for them any more. */
async function freeFollowers({ platform, orgId, results }: Look, jobIds: readonly string[]): Promise<void> {
  if (jobIds.length === 0) return;
  const led = jobIds.map((jobId) => ({ jobId, isShared: false, confidence: null }));
  const followers = await results.transaction().execute((tx) => closeFollowers(tx, { led }));
  await announceFollowers(platform, { orgId, followers });
}

async function enqueueExpired(look: Look): Promise<void> {
  for await (const jobs of pages(look, (cursor) => listExpiredJobs(look.results, { cursor, limit: PAGE })))
    await enqueue(look, jobs);
}

/**
 * The oldest due jobs are always enqueued, as the queue drops what it holds. More only where the queue holds less than is due: to go through a
 * backlog of a hundred thousand in every round, from every executor, would cost more than running it. What the queue lost meanwhile
 * becomes one of the oldest.
 */
async function enqueueDue(look: Look): Promise<void> {
  let isFirst = true;
  for await (const jobs of pages(look, (cursor) => listDueJobs(look.results, { cursor, limit: PAGE }))) {
    await enqueue(look, jobs);
    if (isFirst && jobs.length === PAGE && (await isAllQueued(look))) return;
    isFirst = false;
  }
}

async function isAllQueued({ platform, orgId, results }: Look): Promise<boolean> {
  const depth = (await platform.queue.depth()).find((organization) => organization.orgId === orgId);
  return depth !== undefined && depth.waiting + depth.running >= (await countDueJobs(results));
}

async function enqueue({ platform, orgId }: Look, jobs: readonly DueJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await platform.queue.enqueue(
    jobs.map((job) => ({ orgId, jobId: job.job_id, priority: job.priority, resourceClass: job.resource_class })),
  );
}

/** Cache hits and other jobs whose mirror was never written, too. */
async function repairChanged(look: Look, sinceMs: number): Promise<void> {
  const { platform, orgId, results } = look;
  for (const status of JOB_STATUSES) {
    const changed = pages(look, (cursor) =>
      listChangedJobs(results, { status, sinceMs, untilMs: ON_ITS_WAY_MS, cursor, limit: PAGE }),
    );
    for await (const jobs of changed) {
      if (jobs.length === 0) continue;
      const jobIds = jobs.map((job) => job.job_id);
      const mirrors = await inOrganization(platform.metadata, orgId, (tx) => listMirrorPoints(tx, { jobIds }));
      await mirrorDifferent(look, { jobs, mirrors });
    }
  }
}

/** Jobs that ended while nobody could tell the Metadata DB, however long ago. */
async function repairOldestOpen(look: Look): Promise<void> {
  const { platform, orgId, results } = look;
  const mirrors = await inOrganization(platform.metadata, orgId, (tx) => listOldestOpenMirrors(tx, { limit: PAGE }));
  const jobs = await listMirroredJobs(results, { jobIds: mirrors.map((mirror) => mirror.job_id) });
  await mirrorDifferent(look, { jobs, mirrors });
}

interface WithStatus {
  readonly job_id: string;
  readonly status: JobStatus;
}

async function mirrorDifferent(
  { platform, orgId }: Look,
  { jobs, mirrors }: { jobs: readonly WithStatus[]; mirrors: readonly WithStatus[] },
): Promise<void> {
  const shown = new Map(mirrors.map((mirror) => [mirror.job_id, mirror.status]));
  const different = jobs.filter((job) => shown.get(job.job_id) !== job.status);
  await mirrorJobs(platform, { orgId, jobIds: different.map((job) => job.job_id) });
}

async function* pages<T>(
  { signal }: Look,
  list: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    yield page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined && !signal.aborted);
}
