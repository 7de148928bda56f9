import { expect, test } from 'vitest';
import { failOverdueJobs } from '../../src/results/fail-overdue-jobs.ts';
import { getJob } from '../../src/results/job.repository.ts';
import { appendJobEvents, listJobEvents } from '../../src/results/job-event.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';

const past = new Date('2020-01-01T00:00:00Z');

describeOnEachDatabase((results) => {
  test('a job that waits past its deadline FAILS with TIMEOUT, its last event behind the others', async () => {
    const jobId = await insertTestJob(results(), { deadline: past });
    await results()
      .transaction()
      .execute((tx) => appendJobEvents(tx, { jobId, events: [{ event: 'QUEUED' }] }));
    expect(await failOverdueJobs(results())).toEqual([jobId]);
    expect(await getJob(results(), { jobId })).toMatchObject({
      status: 'FAILED',
      error: { code: 'TIMEOUT', retryable: false },
      timings: { ended: expect.any(String) },
      last_event_seq: 2,
    });
    const events = await listJobEvents(results(), { jobId });
    expect(events.map(({ seq_no, event }) => [seq_no, event])).toEqual([
      [1, 'QUEUED'],
      [2, 'FAILED'],
    ]);
    expect(events[1]?.metadata).toMatchObject({ error: { code: 'TIMEOUT' } });
    expect(await failOverdueJobs(results())).toEqual([]);
  });

  test('others stay: with time left, without a deadline, running, or over', async () => {
    const future = new Date('2999-01-01T00:00:00Z');
    await insertTestJob(results(), { deadline: future });
    await insertTestJob(results());
    await insertTestJob(results(), { deadline: past, status: 'RUNNING', lease_expires_at: future });
    await insertTestJob(results(), { deadline: past, status: 'CANCELED' });
    expect(await failOverdueJobs(results())).toEqual([]);
  });

  test('calls at once close each job once', async () => {
    for (let n = 0; n < 20; n++) await insertTestJob(results(), { deadline: past });
    const closed = await Promise.all([1, 2, 3].map(() => failOverdueJobs(results(), { limit: 10 })));
    const ids = [...closed.flat(), ...(await failOverdueJobs(results()))];
    expect([ids.length, new Set(ids).size]).toEqual([20, 20]);
  });
});
