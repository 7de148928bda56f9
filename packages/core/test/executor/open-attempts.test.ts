import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelJob, publishPipeline, submitJob } from '../../src/index.ts';
import { failOverdueJobs } from '../../src/results/fail-overdue-jobs.ts';
import { releaseJobLease } from '../../src/results/job-lease.repository.ts';
import { listTaskExecutions } from '../../src/results/task-execution.repository.ts';
import { claim, commit, started } from '../results/transitions.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

let host: TestPlatform;
beforeAll(async () => {
  host = await openTestPlatform('pglite', createTestTasks({ dock: () => ({}) }));
  await publishPipeline(host.platform, host.caller, {
    ...{ name: 'docking', version: '1.0.0' },
    spec: { version: 1, tasks: [step('dock')] },
  });
});
afterAll(() => host[Symbol.asyncDispose]());

/** A job with an open attempt that its executor gave back: the database was away when the attempt ended. */
async function leaveJob(): Promise<string> {
  const { jobId } = await submitJob(host.platform, host.caller, { pipeline: 'docking' });
  await claim(host.results, jobId);
  await commit(host.results, { jobId, fence: 1, starts: [started('dock')] });
  await host.results.transaction().execute((tx) => releaseJobLease(tx, { jobId, fence: 1 }));
  return jobId;
}

const statusesOf = async (jobId: string) =>
  (await listTaskExecutions(host.results, { jobId })).map(({ status }) => status);

test('a job that is canceled while it waits for its next executor leaves no attempt open', async () => {
  const jobId = await leaveJob();
  expect(await statusesOf(jobId)).toEqual(['RUNNING']);
  expect(await cancelJob(host.platform, host.caller, { jobId })).toBe('CANCELED');
  expect(await statusesOf(jobId)).toEqual(['CANCELED']);
});

test('a job whose deadline passes while it waits for its next executor leaves no attempt open', async () => {
  const [jobId, other] = [await leaveJob(), await leaveJob()];
  await host.results
    .updateTable('jobs')
    .set({ deadline: new Date(Date.now() - 1) })
    .where('job_id', '=', jobId)
    .execute();
  expect(await failOverdueJobs(host.results)).toEqual([jobId]);
  expect([await statusesOf(jobId), await statusesOf(other)]).toEqual([['CANCELED'], ['RUNNING']]);
});
