import { expect, test } from 'vitest';
import { countDueJobs, findNextDueMs, listDueJobs, listExpiredJobs } from '../../src/results/due-job.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';

describeOnEachDatabase((results) => {
  test('recovery goes through all that may be claimed, the oldest first, and nothing that waits for its time or is held', async () => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const later = new Date(Date.now() + 60_000);
    expect(await findNextDueMs(results())).toBeUndefined();
    const young = await insertTestJob(results(), { created_at: at(2), priority: 9, run_after: at(0) });
    const old = await insertTestJob(results(), { created_at: at(1), resource_class: 'gpu' });
    const lost = await insertTestJob(results(), { status: 'RUNNING', lease_expires_at: at(1) });
    const longLost = await insertTestJob(results(), { status: 'RUNNING', lease_expires_at: at(0) });
    expect(await findNextDueMs(results())).toBeUndefined();
    await insertTestJob(results(), { run_after: later });
    await insertTestJob(results(), { status: 'RUNNING', lease_expires_at: new Date(Date.now() + 120_000) });
    await insertTestJob(results(), { status: 'COMPLETED' });

    for (const [list, jobIds] of [
      [listDueJobs, [old, young]],
      [listExpiredJobs, [longLost, lost]],
    ] as const) {
      const first = await list(results(), { limit: 1 });
      const second = await list(results(), { limit: 1, cursor: first.nextCursor });
      expect([...first.items, ...second.items].map((job) => job.job_id)).toEqual(jobIds);
      expect(second.nextCursor).toBeUndefined();
    }
    expect((await listDueJobs(results(), {})).items).toEqual([
      { job_id: old, priority: 0, resource_class: 'gpu' },
      { job_id: young, priority: 9, resource_class: 'cpu' },
    ]);
    expect(await countDueJobs(results())).toBe(2);
    const nextMs = (await findNextDueMs(results())) ?? 0;
    expect(nextMs > 0 && nextMs <= 60_000).toBe(true);
  });
});
