import { expect, test } from 'vitest';
import {
  finishOpenTaskExecutions,
  listRunningExecutions,
  listTaskExecutions,
} from '../../src/results/task-execution.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';

describeOnEachDatabase((results) => {
  test('attempts are listed by step instance and number; those still open are ended together, what had ended stays', async () => {
    const job_id = await insertTestJob(results());
    const attempts = [
      { task_name: 'c', status: 'PENDING' },
      { task_name: 'b', status: 'RUNNING', retries: 1 },
      { task_name: 'b', status: 'FAILED' },
      { task_name: 'a', status: 'COMPLETED' },
    ] as const;
    await results()
      .insertInto('task_executions')
      .values(attempts.map((attempt) => ({ ...attempt, job_id })))
      .execute();
    await finishOpenTaskExecutions(results(), { jobId: job_id, status: 'CANCELED' });
    const rows = await listTaskExecutions(results(), { jobId: job_id });
    expect(rows.map((row) => [row.task_name, row.retries, row.status, row.ended_at !== null])).toEqual([
      ['a', 0, 'COMPLETED', false],
      ['b', 0, 'FAILED', false],
      ['b', 1, 'CANCELED', true],
      ['c', 0, 'CANCELED', true],
    ]);
  });

  test('for how long a step instance has run is that of its newest open attempt', async () => {
    const job_id = await insertTestJob(results());
    const ago = (ms: number) => new Date(Date.now() - ms);
    const attempts = [
      { task_name: 'a', status: 'FAILED', started_at: ago(600_000) },
      { task_name: 'a', status: 'RUNNING', retries: 1, started_at: ago(60_000) },
      { task_name: 'b', status: 'COMPLETED', started_at: ago(60_000) },
      { task_name: 'c', status: 'RUNNING', started_at: ago(60_000) },
    ] as const;
    await results()
      .insertInto('task_executions')
      .values(attempts.map((attempt) => ({ ...attempt, job_id })))
      .execute();
    const instances = ['a', 'a', 'b', 'x'].map((taskName) => ({ jobId: job_id, taskName }));
    const [only, ...others] = await listRunningExecutions(results(), { instances });
    expect(others).toEqual([]);
    expect(only).toMatchObject({ job_id, task_name: 'a' });
    expect(only?.elapsed_ms).toBeGreaterThanOrEqual(59_000);
    expect(only?.elapsed_ms).toBeLessThan(90_000);
    expect(await listRunningExecutions(results(), { instances: [] })).toEqual([]);
  });
});
