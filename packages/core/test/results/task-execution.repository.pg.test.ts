import { expect, test } from 'vitest';
import { ConflictError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import {
  finishOpenTaskExecutions,
  finishTaskExecution,
  heartbeatTaskExecution,
  insertTaskExecution,
  listTaskExecutions,
  setTaskExecutionExternalId,
} from '../../src/results/task-execution.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';

describeOnEachDatabase((results) => {
  test('an attempt is started, seen alive, found at its service, and ended once', async () => {
    const job_id = await insertTestJob(results());
    const { exec_id: execId, ...started } = await insertTaskExecution(results(), {
      job_id,
      task_name: 'dock',
      status: 'RUNNING',
      worker_id: 'w1',
    });
    expect(started).toMatchObject({ retries: 0, ended_at: null, heartbeat_at: null });
    expect(started.started_at).toBeInstanceOf(Date);
    expect(await heartbeatTaskExecution(results(), { execId })).toBe(true);
    const serviceId = newId();
    await setTaskExecutionExternalId(results(), { execId, externalId: 'remote-7', serviceId });
    const ended = await finishTaskExecution(results(), {
      execId,
      status: 'FAILED',
      error: { code: 'TIMEOUT', said: 'x\0y' },
    });
    expect(ended).toMatchObject({
      status: 'FAILED',
      external_id: 'remote-7',
      service_id: serviceId,
      error: { code: 'TIMEOUT', said: 'x\ufffdy' },
    });
    expect(ended?.ended_at).toBeInstanceOf(Date);
    expect(await finishTaskExecution(results(), { execId, status: 'COMPLETED' })).toBeUndefined();
    expect(await heartbeatTaskExecution(results(), { execId })).toBe(false);
    expect(await listTaskExecutions(results(), { jobId: job_id })).toEqual([ended]);
  });

  test('an attempt is recorded once; the next has the next number', async () => {
    const job_id = await insertTestJob(results());
    await insertTaskExecution(results(), { job_id, task_name: 'dock' });
    await expect(insertTaskExecution(results(), { job_id, task_name: 'dock' })).rejects.toThrow(ConflictError);
    await insertTaskExecution(results(), { job_id, task_name: 'dock', retries: 1 });
    const attempts = await listTaskExecutions(results(), { jobId: job_id });
    expect(attempts.map(({ retries, started_at }) => [retries, started_at])).toEqual([
      [0, null],
      [1, null],
    ]);
  });

  test('a step from the cache starts and ends at once', async () => {
    const job_id = await insertTestJob(results());
    const hit = await insertTaskExecution(results(), {
      job_id,
      task_name: 'dock',
      status: 'COMPLETED',
      cache_key: 'k',
      cache_outcome: 'hit',
    });
    expect(hit.ended_at).toEqual(hit.started_at);
    expect(hit.ended_at).toBeInstanceOf(Date);
  });

  test('what a lost worker left open is ended together, what had ended stays', async () => {
    const jobId = await insertTestJob(results());
    for (const [task_name, status] of [
      ['a', 'COMPLETED'],
      ['b', 'RUNNING'],
      ['c', 'PENDING'],
    ] as const) {
      await insertTaskExecution(results(), { job_id: jobId, task_name, status });
    }
    const ended = await results()
      .transaction()
      .execute((tx) => finishOpenTaskExecutions(tx, { jobId, status: 'FAILED', error: { code: 'WORKER_LOST' } }));
    expect(ended.map((row) => row.task_name).sort()).toEqual(['b', 'c']);
    const all = await listTaskExecutions(results(), { jobId });
    expect(all.map((row) => row.status)).toEqual(['COMPLETED', 'FAILED', 'FAILED']);
  });
});
