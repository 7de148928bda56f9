import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { recoverJobs } from '../../src/executor/recover.ts';
import { mirrorJobs } from '../../src/job/mirror-job.ts';
import { findJobMeta } from '../../src/metadata/job-meta.repository.ts';
import { inAllOrganizations, inOrganization } from '../../src/metadata/metadata-database.ts';
import type { Platform } from '../../src/platform.ts';
import {
  createRememberingQueue,
  insertTestJobs,
  openTwoDatabases,
  type TestOrganization,
  type TwoDatabases,
} from '../job/two-databases.ts';

let host: TwoDatabases;
beforeAll(async () => {
  host = await openTwoDatabases();
});
afterAll(() => host[Symbol.asyncDispose]());

/** Recovers until the test ends; returns the queue it fills. */
function recover(everyMs: number) {
  const queue = createRememberingQueue();
  const stop = new AbortController();
  const { artifacts, tasks } = {} as Platform;
  const done = recoverJobs({ ...host.platform, queue, artifacts, tasks }, { everyMs, signal: stop.signal });
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  return queue;
}

const mirrorOf = ({ orgId }: TestOrganization, jobId: string) =>
  inOrganization(host.metadata, orgId, (tx) => findJobMeta(tx, { jobId }));

async function prepare(count: number, more = {}): Promise<{ org: TestOrganization; jobIds: string[] }> {
  const org = await host.addOrganization();
  const jobIds = await insertTestJobs(org, count, more);
  await mirrorJobs(host.platform, { orgId: org.orgId, jobIds });
  return { org, jobIds };
}

test('every due job is enqueued at the start, however many there are, and none that is to run later', async () => {
  const { org, jobIds } = await prepare(1_203);
  const [later = ''] = await insertTestJobs(org, 1, { run_after: new Date('2999-01-01') });
  const queue = recover(60_000);
  await expect.poll(() => jobIds.filter((jobId) => !queue.messages.has(jobId)).length, { timeout: 10_000 }).toBe(0);
  expect(queue.messages.has(later)).toBe(false);
});

test('a lease that runs out and a job that falls due are met in that moment, long before the next round', async () => {
  const { org, jobIds } = await prepare(1, {
    status: 'RUNNING',
    lease_expires_at: sql`now() + interval '1 second'`,
    resource_class: 'gpu',
  });
  const [due = ''] = await insertTestJobs(org, 1, { run_after: new Date(Date.now() + 1_500) });
  const queue = recover(60_000);
  const startedAt = performance.now();
  await expect
    .poll(() => queue.messages.get(jobIds[0] ?? ''), { timeout: 5_000 })
    .toMatchObject({ resourceClass: 'gpu' });
  expect(performance.now() - startedAt).toBeGreaterThan(500);
  await expect.poll(() => queue.messages.has(due), { timeout: 5_000 }).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(4_000);
});

test('a job whose deadline has passed before it started is closed, and its mirror tells', async () => {
  const { org, jobIds } = await prepare(2, { deadline: sql`now() - interval '1 second'` });
  recover(200);
  for (const jobId of jobIds)
    await expect
      .poll(() => mirrorOf(org, jobId), { timeout: 5_000 })
      .toMatchObject({ status: 'FAILED', error_code: 'TIMEOUT' });
});

test('a mirror that was never written and one that stayed behind are mended', async () => {
  const { org, jobIds } = await prepare(2);
  const [missing = '', behind = ''] = jobIds;
  const long = sql<Date>`now() - interval '3 days'`;
  await inAllOrganizations(host.metadata, (tx) => tx.deleteFrom('jobs_meta').where('job_id', '=', missing).execute());
  await org.results.updateTable('jobs').set({ status: 'COMPLETED', fence: 1, last_event_seq: 5 }).execute();
  await sql`alter table ${sql.id(`org_${org.orgId}`)}.jobs disable trigger jobs_updated_at`.execute(host.metadata);
  await org.results.updateTable('jobs').set({ updated_at: long }).where('job_id', '=', behind).execute();
  recover(100);
  for (const jobId of jobIds)
    await expect
      .poll(() => mirrorOf(org, jobId), { timeout: 5_000 })
      .toMatchObject({ status: 'COMPLETED', event_no: 5 });
});

test('organizations without open jobs are opened far less often than those with some', async () => {
  const { org: busy } = await prepare(1);
  const quiet = [await host.addOrganization(), await host.addOrganization(), await host.addOrganization()];
  host.opened.clear();
  recover(100);
  await expect.poll(() => host.opened.get(busy.orgId) ?? 0, { timeout: 10_000 }).toBeGreaterThan(9);
  const looks = quiet.map(({ orgId }) => host.opened.get(orgId) ?? 0);
  expect(Math.max(...looks)).toBeLessThan(4);
  expect(looks.every((count) => count > 0)).toBe(true);
});

test('an organization that cannot be reached holds up no other, and recovery ends when it is told to', async () => {
  const { jobIds } = await prepare(1);
  const broken = await host.addOrganization();
  await sql`drop schema ${sql.id(`org_${broken.orgId}`)} cascade`.execute(host.metadata);
  host.warnings.length = 0;
  const queue = recover(50);
  await expect.poll(() => queue.messages.has(jobIds[0] ?? '')).toBe(true);
  await expect
    .poll(() => host.warnings, { timeout: 5_000 })
    .toContain('recovery could not reach this organization; the others go on');
});
