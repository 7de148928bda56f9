import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { formatArtifactUri } from '../../src/artifacts/artifact-uri.ts';
import { newId } from '../../src/ids.ts';
import type { ReconciledPlatform } from '../../src/job/findings/examined.ts';
import type { Finding } from '../../src/job/findings/finding.ts';
import { mirrorJobs } from '../../src/job/mirror-job.ts';
import { type Reconcile, reconcile } from '../../src/job/reconcile.ts';
import { findJobMeta } from '../../src/metadata/job-meta.repository.ts';
import { inAllOrganizations, inOrganization } from '../../src/metadata/metadata-database.ts';
import {
  createRememberingQueue,
  insertTestJobs,
  openTwoDatabases,
  type TestOrganization,
  type TwoDatabases,
} from './two-databases.ts';

let host: TwoDatabases;
beforeAll(async () => {
  host = await openTwoDatabases();
});
afterAll(() => host[Symbol.asyncDispose]());

const examine = (
  { orgId }: TestOrganization,
  options: Reconcile = {},
  platform: ReconciledPlatform = host.platform,
): Promise<Finding[]> => Array.fromAsync(reconcile(platform, { orgId, graceMs: 0, ...options }));

const told = (findings: readonly Finding[]) => findings.map(({ kind, jobId, outcome }) => [kind, jobId, outcome]);
const mirrorOf = ({ orgId }: TestOrganization, jobId: string) =>
  inOrganization(host.metadata, orgId, (tx) => findJobMeta(tx, { jobId }));

/** An organization with `count` jobs that are mirrored as they are. */
async function prepare(count: number): Promise<{ org: TestOrganization; jobIds: string[] }> {
  const org = await host.addOrganization();
  const jobIds = await insertTestJobs(org, count);
  await mirrorJobs(host.platform, { orgId: org.orgId, jobIds });
  return { org, jobIds };
}

/** What is wrong in a dry run, what a run that mends did, and what is left after it. */
async function examineThrice(org: TestOrganization, platform: ReconciledPlatform = host.platform) {
  return [
    told(await examine(org, {}, platform)),
    told(await examine(org, { dryRun: false }, platform)),
    told(await examine(org, {}, platform)),
  ];
}

test('two databases that agree have no findings, and what was looked at is counted', async () => {
  const { org } = await prepare(3);
  const run = reconcile(host.platform, { orgId: org.orgId, graceMs: 0 });
  expect(await run.next()).toEqual({ done: true, value: { organizations: 1, jobs: 3 } });
});

test('mirrors that are missing, behind or ahead are found by a dry run and mended without it', async () => {
  const { org, jobIds } = await prepare(4);
  const [missing = '', behind = '', ahead = '', right = ''] = jobIds;
  await inAllOrganizations(host.metadata, (tx) => tx.deleteFrom('jobs_meta').where('job_id', '=', missing).execute());
  await org.results.updateTable('jobs').set({ status: 'RUNNING', fence: 1 }).where('job_id', '=', behind).execute();
  await inAllOrganizations(host.metadata, (tx) =>
    tx
      .updateTable('jobs_meta')
      .set({ status: 'COMPLETED', fence: 3, event_no: 9 })
      .where('job_id', '=', ahead)
      .execute(),
  );
  const kinds = [
    ['mirror_missing', missing],
    ['mirror_behind', behind],
    ['mirror_ahead', ahead],
  ];
  expect(await examineThrice(org)).toEqual([
    kinds.map((kind) => [...kind, 'fixable']),
    kinds.map((kind) => [...kind, 'fixed']),
    [],
  ]);
  expect(await mirrorOf(org, missing)).toMatchObject({ status: 'PENDING' });
  expect(await mirrorOf(org, behind)).toMatchObject({ status: 'RUNNING', fence: 1 });
  expect(await mirrorOf(org, ahead)).toMatchObject({ status: 'PENDING', fence: 0, event_no: 1 });
  expect(await mirrorOf(org, right)).toMatchObject({ status: 'PENDING' });
});

test('what changed a moment ago is on its way and no finding', async () => {
  const org = await host.addOrganization();
  await insertTestJobs(org, 2);
  expect(await examine(org, { graceMs: 60_000 })).toEqual([]);
  expect(await examine(org)).toHaveLength(2);
});

test('more jobs than a page hold are all looked at, their mirrors written by one statement a page', async () => {
  const org = await host.addOrganization();
  await insertTestJobs(org, 1_100);
  host.statements.length = 0;
  const findings = await examine(org, { dryRun: false });
  expect(findings).toHaveLength(1_100);
  expect(new Set(findings.map(({ outcome }) => outcome))).toEqual(new Set(['fixed']));
  expect(host.statements.filter((statement) => statement.includes('insert into jobs_meta'))).toHaveLength(3);
  expect(await examine(org)).toEqual([]);
});

test('a mirror that the metadata database refuses is left, with the reason', async () => {
  const org = await host.addOrganization();
  const [jobId = ''] = await insertTestJobs(org, 1, { pipeline_version_id: newId() });
  expect(await examine(org, { dryRun: false })).toEqual([
    expect.objectContaining({
      kind: 'mirror_missing',
      jobId,
      outcome: 'left',
      remedy: expect.stringMatching(/was not written/),
    }),
  ]);
});

test('a mirror without a job goes, unless the Results DB has lost all of its jobs', async () => {
  const { org, jobIds } = await prepare(2);
  const [gone = '', other = ''] = jobIds;
  await org.results.deleteFrom('jobs').where('job_id', '=', gone).execute();
  expect(await examineThrice(org)).toEqual([[['job_unknown', gone, 'fixable']], [['job_unknown', gone, 'fixed']], []]);
  expect(await mirrorOf(org, gone)).toBeUndefined();

  await org.results.deleteFrom('jobs').execute();
  expect(told(await examine(org, { dryRun: false }))).toEqual([['job_unknown', other, 'left']]);
  expect(await mirrorOf(org, other)).toBeDefined();
});

test('a lease that ran out and jobs that the queue lost are enqueued again', async () => {
  const { org, jobIds } = await prepare(3);
  const [crashed = ''] = jobIds;
  await org.results
    .updateTable('jobs')
    .set({
      status: 'RUNNING',
      fence: 1,
      lease_expires_at: sql<Date>`now() - interval '5 minutes'`,
      resource_class: 'gpu',
    })
    .where('job_id', '=', crashed)
    .execute();
  await mirrorJobs(host.platform, { orgId: org.orgId, jobIds });
  expect(told(await examine(org))).toEqual([['lease_expired', crashed, 'left']]);
  const queue = createRememberingQueue();
  const [dry, mended] = await examineThrice(org, { ...host.platform, queue });
  expect(dry).toEqual([
    ['lease_expired', crashed, 'fixable'],
    ['jobs_not_queued', null, 'fixable'],
  ]);
  expect(mended?.map(([, , outcome]) => outcome)).toEqual(['fixed', 'fixed']);
  expect([...queue.messages.keys()].toSorted()).toEqual(jobIds.toSorted());
  expect(queue.messages.get(crashed)).toMatchObject({ resourceClass: 'gpu' });
});

test('attempts that outlived their job are ended', async () => {
  const { org, jobIds } = await prepare(2);
  const [failed = '', completed = ''] = jobIds;
  for (const [job_id, status] of [
    [failed, 'FAILED'],
    [completed, 'COMPLETED'],
  ] as const) {
    const attempt = { exec_id: newId(), job_id, task_name: 'dock', status: 'RUNNING' as const, retries: 0 };
    await org.results.insertInto('task_executions').values(attempt).execute();
    await org.results.updateTable('jobs').set({ status }).where('job_id', '=', job_id).execute();
  }
  await mirrorJobs(host.platform, { orgId: org.orgId, jobIds });
  await inAllOrganizations(host.metadata, (tx) => tx.deleteFrom('jobs_meta').where('org_id', '=', org.orgId).execute());
  await mirrorJobs(host.platform, { orgId: org.orgId, jobIds });
  const kinds = [
    ['attempt_open', failed],
    ['attempt_open', completed],
  ];
  expect(await examineThrice(org)).toEqual([
    kinds.map((kind) => [...kind, 'fixable']),
    kinds.map((kind) => [...kind, 'fixed']),
    [],
  ]);
  const ended = await org.results
    .selectFrom('task_executions')
    .select(['job_id', 'status'])
    .orderBy('status')
    .execute();
  expect(ended).toEqual([
    { job_id: failed, status: 'FAILED' },
    { job_id: completed, status: 'CANCELED' },
  ]);
});

test('a counter behind its events is raised; events that are lost are left', async () => {
  const { org, jobIds } = await prepare(2);
  const [behind = '', holed = ''] = jobIds;
  await org.results.insertInto('job_events').values({ job_id: behind, seq_no: 2, event: 'STARTED' }).execute();
  await org.results.insertInto('job_events').values({ job_id: holed, seq_no: 3, event: 'STARTED' }).execute();
  expect(await examineThrice(org)).toEqual([
    [
      ['events_gap', behind, 'fixable'],
      ['events_gap', holed, 'left'],
    ],
    [
      ['events_gap', behind, 'fixed'],
      ['events_gap', holed, 'left'],
    ],
    [['events_gap', holed, 'left']],
  ]);
});

test('files whose bytes are gone are found, each digest asked for once', async () => {
  const { org, jobIds } = await prepare(2);
  const [there, gone] = ['a'.repeat(64), 'b'.repeat(64)];
  const uriOf = (digest: string) => formatArtifactUri({ orgId: org.orgId, digest });
  await org.results
    .insertInto('job_inputs')
    .values(jobIds.map((job_id) => ({ job_id, key: 'receptor', uri: uriOf(there), checksum: there })))
    .execute();
  await org.results
    .insertInto('job_outputs')
    .values({ job_id: jobIds[1] ?? '', key: 'poses', uri: uriOf(gone) })
    .execute();
  const asked: string[] = [];
  const head = async (_: string, digest: string) => {
    asked.push(digest);
    return digest === there ? { digest, sizeBytes: 1 } : undefined;
  };
  const artifacts = { head } as unknown as NonNullable<ReconciledPlatform['artifacts']>;
  const findings = await examine(org, { dryRun: false }, { ...host.platform, artifacts });
  expect(told(findings)).toEqual([['artifact_missing', jobIds[1], 'left']]);
  expect(findings[0]?.found).toBe(`output poses is artifact ${gone}, and its bytes are not there`);
  expect(asked.toSorted()).toEqual([there, gone]);
});

test("another organization's database, and one that cannot be reached, are findings that stop no other", async () => {
  const { org: right, jobIds } = await prepare(1);
  const [swapped, unreachable] = [await host.addOrganization(), await host.addOrganization()];
  const results = {
    async get(orgId: string) {
      if (orgId === unreachable.orgId) throw Object.assign(new Error('postgresql://u:secret@h/d'), { code: '08006' });
      return orgId === swapped.orgId ? right.results : host.platform.results.get(orgId);
    },
  };
  await inAllOrganizations(host.metadata, (tx) =>
    tx
      .deleteFrom('jobs_meta')
      .where('job_id', '=', jobIds[0] ?? '')
      .execute(),
  );
  const findings = await Array.fromAsync(reconcile({ ...host.platform, results }, { graceMs: 0, dryRun: false }));
  const of = ({ orgId }: TestOrganization) => findings.filter((finding) => finding.orgId === orgId);
  expect(told(of(swapped))).toEqual([['stamp_mismatch', null, 'left']]);
  expect(told(of(unreachable))).toEqual([['database_unreachable', null, 'left']]);
  expect(of(unreachable)[0]?.found).toBe('the examination ended: the database answered with SQLSTATE 08006');
  expect(told(of(right))).toEqual([['mirror_missing', jobIds[0], 'fixed']]);
});

test('a process that is killed between the two databases leaves what the next examination mends', async () => {
  const { org, jobIds } = await prepare(1);
  const [jobId = ''] = jobIds;
  const script = fileURLToPath(new URL('reconcile-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, host.url, org.orgId, jobId], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await mirrorOf(org, jobId)).toMatchObject({ status: 'PENDING' });
  expect(await examineThrice(org)).toEqual([
    [['mirror_behind', jobId, 'fixable']],
    [['mirror_behind', jobId, 'fixed']],
    [],
  ]);
  expect(await mirrorOf(org, jobId)).toMatchObject({ status: 'COMPLETED', fence: 1, event_no: 2 });
});

test('an organization that does not exist is an error, not a finding', async () => {
  const nobody = { ...(await host.addOrganization()), orgId: newId() };
  await expect(examine(nobody)).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
});
