import { expect, test } from 'vitest';
import { JobReader } from '../../src/executor/job-reader.ts';
import { newId } from '../../src/ids.ts';
import { type AcceptedJob, type InsertedJob, insertJobs } from '../../src/results/insert-jobs.ts';
import { keepNewJob, takeNewJob } from '../../src/results/new-jobs.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { describeOnEachDatabase, insertTestJob } from '../results/each-database.ts';
import { claim } from '../results/transitions.ts';

/** A reader that is told these jobs come next, and how many statements it has sent. */
function openReader(results: ResultsDatabase, jobIds: readonly string[]) {
  let statements = 0;
  const asked = new Set<string>();
  const counting = new Proxy(results, {
    get(db, name) {
      if (name === 'executeQuery') statements++;
      const value = Reflect.get(db, name, db);
      return typeof value === 'function' ? value.bind(db) : value;
    },
  });
  const upcoming = (count: number) => jobIds.filter((jobId) => !asked.has(jobId)).slice(0, count);
  const reader = new JobReader({ results: counting, upcoming });
  const find = (jobId: string) => {
    asked.add(jobId);
    return reader.find(jobId);
  };
  return { db: counting, find, statements: () => statements };
}

describeOnEachDatabase((results) => {
  const insert = (count: number) => Promise.all(Array.from({ length: count }, () => insertTestJob(results())));

  test('jobs that come fast are read far less often than one by one; each is what its row says', async () => {
    const jobIds = await insert(60);
    const { find, statements } = openReader(results(), jobIds);
    for (let at = 0; at < jobIds.length; at += 4) {
      const batch = jobIds.slice(at, at + 4);
      const found = await Promise.all(batch.map(find));
      expect(found.map((job) => [job?.job_id, job?.fence, job?.status])).toEqual(batch.map((id) => [id, 0, 'PENDING']));
    }
    expect(statements()).toBeLessThan(10);
  });

  test('a job that was inserted a moment ago is what its row says without a statement, once', async () => {
    const job = { job_id: newId(), status: 'PENDING', pipeline_version: 'dock@1.0.0', params: { n: [1, { a: null }] } };
    const inputs = [{ key: 'ligand', uri: 'mad://x/y', content_type: 'text/plain', size_bytes: 7 }];
    const accepted: AcceptedJob = {
      job: { ...job, status: 'PENDING', deadline: new Date(Date.now() + 60_000), cache: { use: true } },
      inputs,
      events: [{ event: 'QUEUED' }],
    };
    const [inserted] = await insertJobs(results(), { jobs: [accepted] });
    const { db, find, statements } = openReader(results(), []);
    keepNewJob(db, accepted, inserted as InsertedJob);
    job.params.n = [];
    const kept = await find(job.job_id);
    expect(statements()).toBe(0);
    const read = await find(job.job_id);
    expect(statements()).toBe(1);
    expect(kept).toEqual({ ...read, deadline_in_ms: expect.closeTo(read?.deadline_in_ms ?? 0, -4) });
  });

  test('a job that is not due, or goes on from another, is left to the database', async () => {
    const kinds = [{ run_after: new Date() }, { forked_from: newId() }, { status: 'COMPLETED' as const }];
    for (const kind of kinds) {
      const job = { job_id: newId(), status: 'PENDING' as const, pipeline_version: 'dock@1.0.0', ...kind };
      keepNewJob(results(), { job, inputs: [], events: [] }, { job_id: job.job_id, created_at: new Date() });
      expect(takeNewJob(results(), { jobId: job.job_id })).toBeUndefined();
    }
  });

  test('a job that was read ahead is read anew when it is asked for again', async () => {
    const [first = '', second = '', third = ''] = await insert(3);
    const { find } = openReader(results(), [first, second, third]);
    await find(first);
    await find(second);
    await claim(results(), third);
    expect(await find(third)).toMatchObject({ fence: 0 });
    expect(await find(third)).toBeUndefined();
  });
});
