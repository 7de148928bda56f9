import { createPgliteDatabase } from '@mad/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotFoundError, PermissionDeniedError, ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { cancelJob } from '../../src/job/cancel-job.ts';
import { followJob } from '../../src/job/follow-job.ts';
import { waitForJob } from '../../src/job/wait-for-job.ts';
import type { Platform } from '../../src/platform.ts';
import { listJobEventsAfter } from '../../src/results/job-event.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { migrateResults } from '../../src/results/results-track.ts';
import { signalsOf } from '../../src/signals/signals-of.ts';
import { insertTestJob, SCHEMA } from '../results/each-database.ts';
import { advance, caller, createFollowedPlatform, ORG_ID } from './followed-platform.ts';

let database: ReturnType<typeof createPgliteDatabase>;
let platform: Platform;
let results: ResultsDatabase;
beforeAll(async () => {
  database = createPgliteDatabase();
  await migrateResults(database.db, { schema: SCHEMA });
  platform = createFollowedPlatform(database.db);
  results = openResultsDatabase(database.db, { schema: SCHEMA });
});
afterAll(() => database[Symbol.asyncDispose]());

const changed = (jobId: string) => signalsOf(platform).publish('job.changed', [{ orgId: ORG_ID, jobId }]);

test('the timelines of many jobs are read from one position each, and only those with news come back', async () => {
  const [quiet, busy, over] = [
    await insertTestJob(results),
    await insertTestJob(results),
    await insertTestJob(results),
  ];
  const missing = newId();
  await advance(results, { jobId: busy, events: ['A', 'B', 'C', 'D'] });
  await advance(results, { jobId: over, events: ['A', 'CANCELED'], end: true });
  const positions = [quiet, busy, over, missing].map((jobId) => ({ jobId, afterSeq: 0 }));
  const news = await listJobEventsAfter(
    results,
    [...positions, { jobId: busy, afterSeq: 3 }, { jobId: over, afterSeq: 2 }],
    3,
  );
  expect(
    news.map(({ events, ...of }) => ({ ...of, events: events.map(({ seq_no, event }) => `${seq_no}${event}`) })),
  ).toEqual([
    { jobId: busy, afterSeq: 0, status: 'PENDING', events: ['1A', '2B', '3C'] },
    { jobId: over, afterSeq: 0, status: 'CANCELED', events: ['1A', '2CANCELED'] },
    { jobId: missing, afterSeq: 0, status: undefined, events: [] },
    { jobId: busy, afterSeq: 3, status: 'PENDING', events: ['4D'] },
    { jobId: over, afterSeq: 2, status: 'CANCELED', events: [] },
  ]);
  expect(await listJobEventsAfter(results, [], 3)).toEqual([]);
});

test('a job that is over is told to its end, from any position', async () => {
  const jobId = await insertTestJob(results);
  await advance(results, { jobId, events: Array.from({ length: 1_200 }, () => 'TASK_PROGRESS') });
  await advance(results, { jobId, events: ['CANCELED'], end: true });
  const seqs = async (afterSeq: number) =>
    (await Array.fromAsync(followJob(platform, caller, { jobId, afterSeq }))).map(({ seq }) => seq);
  expect(await seqs(0)).toEqual(Array.from({ length: 1_201 }, (_, index) => index + 1));
  expect(await seqs(1_200)).toEqual([1_201]);
  expect(await seqs(1_201)).toEqual([]);
  expect(await seqs(9_999)).toEqual([]);
  expect(await waitForJob(platform, caller, { jobId })).toBe('CANCELED');
});

test('return() and an abort end a wait at once', async () => {
  const jobId = await insertTestJob(results);
  const left = followJob(platform, caller, { jobId });
  const waiting = left.next();
  const stop = new AbortController();
  const aborted = Array.fromAsync(followJob(platform, caller, { jobId, signal: stop.signal }));
  const refused = waitForJob(platform, caller, { jobId, signal: stop.signal });
  await results.selectFrom('jobs').select('job_id').execute();
  await left.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await left.next()).toEqual({ done: true, value: undefined });
  stop.abort(new DOMException('enough', 'AbortError'));
  expect(await aborted).toEqual([]);
  await expect(refused).rejects.toThrow('enough');
});

test('a follower that takes its time hinders no other and misses nothing', async () => {
  const jobId = await insertTestJob(results);
  await advance(results, { jobId, events: ['QUEUED'] });
  const slow = followJob(platform, caller, { jobId });
  expect((await slow.next()).value).toMatchObject({ seq: 1 });
  const fast = Array.fromAsync(followJob(platform, caller, { jobId }));
  for (let commit = 0; commit < 20; commit++) {
    await advance(results, { jobId, events: Array.from({ length: 60 }, () => 'TASK_PROGRESS') });
    changed(jobId);
  }
  await advance(results, { jobId, events: ['CANCELED'], end: true });
  changed(jobId);
  const expected = Array.from({ length: 1_202 }, (_, index) => index + 1);
  expect((await fast).map(({ seq }) => seq)).toEqual(expected);
  expect((await Array.fromAsync(slow)).map(({ seq }) => seq)).toEqual(expected.slice(1));
});

test('canceling tells the executor of a running job, and the followers of one that waited', async () => {
  const told: string[] = [];
  using _cancel = signalsOf(platform).subscribe('job.cancel', ({ jobId }) => void told.push(`cancel ${jobId}`));
  using _changed = signalsOf(platform).subscribe('job.changed', ({ jobId }) => void told.push(`changed ${jobId}`));
  const waiting = await insertTestJob(results);
  const running = await insertTestJob(results);
  const lease = { lease_owner: 'x', lease_expires_at: new Date(Date.now() + 60_000), fence: 1 };
  await results
    .updateTable('jobs')
    .set({ status: 'RUNNING', ...lease })
    .where('job_id', '=', running)
    .execute();
  expect(await cancelJob(platform, caller, { jobId: waiting })).toBe('CANCELED');
  expect(await cancelJob(platform, caller, { jobId: running.toUpperCase() })).toBe('RUNNING');
  expect(await cancelJob(platform, caller, { jobId: waiting })).toBe('CANCELED');
  expect(told).toEqual([`changed ${waiting}`, `cancel ${running}`]);
});

test('following asks for the permission and the job first, and takes no cursor that is none', async () => {
  const jobId = await insertTestJob(results);
  const nobody = { ...caller, permissions: new Set<string>() };
  await expect(followJob(platform, nobody, { jobId }).next()).rejects.toThrow(PermissionDeniedError);
  await expect(waitForJob(platform, nobody, { jobId })).rejects.toThrow(PermissionDeniedError);
  await expect(followJob(platform, caller, { jobId: newId() }).next()).rejects.toThrow(NotFoundError);
  await expect(followJob(platform, caller, { jobId: 'x' }).next()).rejects.toThrow(NotFoundError);
  for (const afterSeq of [-1, 0.5, Number.NaN, 1e300]) {
    await expect(followJob(platform, caller, { jobId, afterSeq }).next()).rejects.toThrow(ValidationFailedError);
  }
  const gone = followJob(platform, caller, { jobId }).next();
  await results.deleteFrom('jobs').where('job_id', '=', jobId).execute();
  changed(jobId);
  await expect(gone).rejects.toThrow(NotFoundError);
});
