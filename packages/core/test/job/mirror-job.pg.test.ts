import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import { createMirror } from '../../src/job/create-mirror.ts';
import { mirrorJobs } from '../../src/job/mirror-job.ts';
import { writeMirrors } from '../../src/job/write-mirrors.ts';
import { listJobsMeta } from '../../src/metadata/job-meta.repository.ts';
import { inOrganization } from '../../src/metadata/metadata-database.ts';
import { listMirroredJobs, type MirroredJob } from '../../src/results/mirrored-job.repository.ts';
import { insertTestJobs, openTwoDatabases, type TestOrganization, type TwoDatabases } from './two-databases.ts';

let host: TwoDatabases;
beforeAll(async () => {
  host = await openTwoDatabases();
});
afterAll(() => host[Symbol.asyncDispose]());

/** Job id → status, as the Metadata DB shows it. */
async function mirrorOf({ orgId }: TestOrganization): Promise<Record<string, string>> {
  const { items } = await inOrganization(host.metadata, orgId, (tx) => listJobsMeta(tx, { limit: 500 }));
  return Object.fromEntries(items.map((row) => [row.job_id, row.status]));
}

const all = (jobIds: readonly string[], status: string) => Object.fromEntries(jobIds.map((jobId) => [jobId, status]));
const writes = () => host.statements.filter((statement) => statement.includes('insert into jobs_meta'));

async function prepare(count: number): Promise<{ org: TestOrganization; jobIds: string[]; jobs: MirroredJob[] }> {
  const org = await host.addOrganization();
  const jobIds = await insertTestJobs(org, count);
  const jobs = [...(await listMirroredJobs(org.results, { jobIds }))];
  host.warnings.length = 0;
  return { org, jobIds, jobs };
}

const later = (job: MirroredJob, status: MirroredJob['status'], event: number): MirroredJob => ({
  ...job,
  status,
  fence: 1,
  last_event_seq: event,
});

test('many jobs are mirrored by one statement, and again when they have changed', async () => {
  const { org, jobIds } = await prepare(300);
  expect(await mirrorJobs(host.platform, { orgId: org.orgId, jobIds })).toBe(true);
  expect(host.statements).toHaveLength(1);
  expect(await mirrorOf(org)).toEqual(all(jobIds, 'PENDING'));

  await org.results.updateTable('jobs').set({ status: 'RUNNING', fence: 1, last_event_seq: 2 }).execute();
  await mirrorJobs(host.platform, { orgId: org.orgId, jobIds });
  expect(await mirrorOf(org)).toEqual(all(jobIds, 'RUNNING'));
});

test('a job that the metadata database refuses takes none of the others down', async () => {
  const { org, jobIds, jobs } = await prepare(40);
  const [broken = ''] = jobIds.slice(17);
  const given = jobs.map((job) => (job.job_id === broken ? { ...job, pipeline_version_id: newId() } : job));
  const written = await writeMirrors(host.metadata, { orgId: org.orgId, jobs: given });
  expect(written.refused).toEqual([
    { jobId: broken, error: expect.objectContaining({ code: 'MAD_CORE_ROW_REFUSED' }) },
  ]);
  expect(written.moved.size).toBe(39);
  expect(Object.keys(await mirrorOf(org)).toSorted()).toEqual(jobIds.filter((jobId) => jobId !== broken).toSorted());
});

test('a job of a user whom the metadata database does not know is mirrored without one', async () => {
  const { org, jobIds, jobs } = await prepare(3);
  const given = jobs.map((job, at) => ({ ...job, submitted_by: at === 1 ? newId() : null }));
  expect((await writeMirrors(host.metadata, { orgId: org.orgId, jobs: given })).refused).toEqual([]);
  expect(await mirrorOf(org)).toEqual(all(jobIds, 'PENDING'));
});

test('a job of another program, without a pipeline, is left out', async () => {
  const { org, jobs } = await prepare(2);
  const [foreign, own] = jobs;
  const given = [{ ...foreign, pipeline_id: null, pipeline_version_id: null } as MirroredJob, own as MirroredJob];
  expect((await writeMirrors(host.metadata, { orgId: org.orgId, jobs: given })).moved).toEqual(new Set([own?.job_id]));
});

test('writers of the same jobs in any order never wait in a circle, and the latest state wins', async () => {
  const { org, jobIds, jobs } = await prepare(200);
  const some = (round: number) =>
    jobs
      .filter(() => Math.random() < 0.6)
      .toSorted(() => Math.random() - 0.5)
      .map((job) => (round % 2 === 0 ? later(job, 'RUNNING', 2) : later(job, 'COMPLETED', 3)));
  const rounds = Array.from({ length: 60 }, (_, round) => round);
  // Eight at a time, so that some find rows which others insert at that moment.
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let round = rounds.pop(); round !== undefined; round = rounds.pop()) {
        const given = some(round).slice(0, 10 + 3 * (60 - round));
        await writeMirrors(host.metadata, { orgId: org.orgId, jobs: given });
      }
    }),
  );
  await writeMirrors(host.metadata, { orgId: org.orgId, jobs: jobs.map((job) => later(job, 'COMPLETED', 3)) });
  expect(await mirrorOf(org)).toEqual(all(jobIds, 'COMPLETED'));
});

test('a job that starts and ends within the pause costs one write', async () => {
  const { org, jobIds, jobs } = await prepare(50);
  await using mirror = createMirror(host.platform, { pauseMs: 50 });
  for (const job of jobs) mirror.note(org.orgId, later(job, 'RUNNING', 2));
  for (const job of jobs) mirror.note(org.orgId, later(job, 'COMPLETED', 5));
  for (const job of jobs) mirror.note(org.orgId, later(job, 'RUNNING', 3));
  await expect.poll(() => mirrorOf(org)).toEqual(all(jobIds, 'COMPLETED'));
  expect(writes()).toHaveLength(1);
});

test('while a write is under way everything gathers for the next one', async () => {
  const { org, jobIds, jobs } = await prepare(60);
  await using mirror = createMirror(host.platform, { pauseMs: 1 });
  const waiting = async () => {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%jsonb_to_recordset%'`.execute(
      host.metadata,
    );
    return rows.length;
  };
  await host.metadata.transaction().execute(async (tx) => {
    await sql`lock table jobs_meta in exclusive mode`.execute(tx);
    mirror.note(org.orgId, jobs[0] as MirroredJob);
    await expect.poll(waiting).toBe(1);
    for (const job of jobs.slice(1)) mirror.note(org.orgId, job);
    mirror.noteIds(org.orgId, jobIds.slice(0, 1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await waiting()).toBe(1);
  });
  expect(await mirror.flush()).toBe(true);
  expect(await mirrorOf(org)).toEqual(all(jobIds, 'PENDING'));
  expect(writes()).toHaveLength(2);
});

test('a metadata database that is away is tried again until it is back', async () => {
  const { org, jobIds, jobs } = await prepare(3);
  await using mirror = createMirror(host.platform, { pauseMs: 1 });
  await sql`alter table jobs_meta rename to jobs_meta_away`.execute(host.metadata);
  for (const job of jobs) mirror.note(org.orgId, job);
  expect(await mirror.flush({ timeoutMs: 50 })).toBe(false);
  await expect.poll(() => host.warnings.length).toBeGreaterThan(1);
  await sql`alter table jobs_meta_away rename to jobs_meta`.execute(host.metadata);
  await expect.poll(() => mirrorOf(org), { timeout: 5_000 }).toEqual(all(jobIds, 'PENDING'));
  expect(new Set(host.warnings)).toEqual(
    new Set(['jobs could not be mirrored to the metadata database; it is tried again']),
  );
});

test('disposing writes what was noted without the pause, and takes nothing more', async () => {
  const { org, jobIds, jobs } = await prepare(2);
  const mirror = createMirror(host.platform, { pauseMs: 60_000 });
  mirror.note(org.orgId, jobs[0] as MirroredJob);
  await mirror[Symbol.asyncDispose]();
  mirror.note(org.orgId, jobs[1] as MirroredJob);
  expect(await mirrorOf(org)).toEqual({ [jobs[0]?.job_id ?? '']: 'PENDING' });
  expect(jobIds).toHaveLength(2);
});

test('what is noted beyond the capacity is left to recovery, and told once', async () => {
  const { org, jobs } = await prepare(5);
  await using mirror = createMirror(host.platform, { pauseMs: 60_000, capacity: 3 });
  for (const job of jobs) mirror.note(org.orgId, job);
  await mirror.flush();
  expect(Object.keys(await mirrorOf(org))).toHaveLength(3);
  expect(host.warnings).toEqual(['too many changed jobs wait for the metadata database; recovery mirrors the rest']);
});
