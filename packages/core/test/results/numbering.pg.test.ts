import { createPostgresDatabase } from '@mad/testkit';
import { expect, test } from 'vitest';
import { NotFoundError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { getJob } from '../../src/results/job.repository.ts';
import { appendJobEvents, listJobEvents } from '../../src/results/job-event.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase, ResultsTransaction } from '../../src/results/results-database.ts';
import { appendTaskLogs, listTaskLogs } from '../../src/results/task-log.repository.ts';
import { describeOnEachDatabase, insertTestJob, resultsTemplate, SCHEMA } from './each-database.ts';

const inTx = <T>(db: ResultsDatabase, work: (tx: ResultsTransaction) => Promise<T>) => db.transaction().execute(work);

describeOnEachDatabase((results) => {
  const events = (jobId: string, ...names: string[]) =>
    inTx(results(), (tx) => appendJobEvents(tx, { jobId, events: names.map((event) => ({ event })) }));

  test('events are numbered in the order given, across calls, and are read on from any number', async () => {
    const jobId = await insertTestJob(results());
    await events(jobId, 'QUEUED', 'STARTED');
    const appended = await inTx(results(), (tx) =>
      appendJobEvents(tx, {
        jobId,
        events: [{ event: 'TASK_COMPLETED', detail: 'dock\0', metadata: { poses: [1] } }, { event: 'COMPLETED' }],
      }),
    );
    expect(appended).toMatchObject([
      { seq_no: 3, event: 'TASK_COMPLETED', detail: 'dock\ufffd', metadata: { poses: [1] } },
      { seq_no: 4, event: 'COMPLETED', detail: null, metadata: {} },
    ]);
    expect(await listJobEvents(results(), { jobId, afterSeq: 2 })).toEqual(appended);
    expect((await listJobEvents(results(), { jobId, limit: 3 })).map((row) => row.event)).toEqual([
      'QUEUED',
      'STARTED',
      'TASK_COMPLETED',
    ]);
    expect((await getJob(results(), { jobId })).last_event_seq).toBe(4);
    expect(await events(jobId)).toEqual([]);
    await expect(events(newId(), 'QUEUED')).rejects.toThrow(NotFoundError);
  });

  test('a rolled-back append leaves no gap', async () => {
    const jobId = await insertTestJob(results());
    const failed = inTx(results(), async (tx) => {
      await appendJobEvents(tx, { jobId, events: [{ event: 'LOST' }] });
      await appendTaskLogs(tx, { jobId, lines: [{ message: 'lost' }], cap: 10 });
      return Promise.reject(new NotFoundError({ entity: 'anything', id: 'x' }));
    });
    await expect(failed).rejects.toThrow(NotFoundError);
    expect((await events(jobId, 'QUEUED')).map((row) => row.seq_no)).toEqual([1]);
    expect((await getJob(results(), { jobId })).last_log_line).toBe(0);
  });

  test('log lines are numbered up to the cap, the rest is counted', async () => {
    const jobId = await insertTestJob(results());
    const append = (lines: Parameters<typeof appendTaskLogs>[1]['lines'], cap = 1205) =>
      inTx(results(), (tx) => appendTaskLogs(tx, { jobId, lines, cap }));
    const execId = newId();
    expect(await append([{ message: 'a\0b', exec_id: execId, task_name: 'dock', level: 'WARN' }])).toEqual({
      appended: 1,
      dropped: 0,
    });
    const many = Array.from({ length: 1203 }, (_, index) => ({ message: String(index) }));
    expect(await append(many)).toEqual({ appended: 1203, dropped: 0 });
    expect(await append([{ message: 'last' }, { message: 'dropped' }])).toEqual({ appended: 1, dropped: 1 });
    expect(await append([{ message: 'dropped' }])).toEqual({ appended: 0, dropped: 1 });
    expect(await append([{ message: 'dropped' }], 5)).toEqual({ appended: 0, dropped: 1 });
    expect(await append([])).toEqual({ appended: 0, dropped: 0 });
    await expect(
      inTx(results(), (tx) => appendTaskLogs(tx, { jobId: newId(), lines: [{ message: 'x' }], cap: 5 })),
    ).rejects.toThrow(NotFoundError);

    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await listTaskLogs(results(), { jobId, limit: 500, cursor });
      seen.push(...page.items.map((line) => line.line_no));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: 1205 }, (_, index) => index + 1));
    const ofDock = await listTaskLogs(results(), { jobId, taskName: 'dock' });
    expect(ofDock.items).toMatchObject([{ line_no: 1, message: 'a\ufffdb', exec_id: execId, level: 'WARN' }]);
  });
});

test('eight connections that append events and log lines at once leave 1..n without a gap, and time never falls along the numbers', async () => {
  await using database = await createPostgresDatabase(resultsTemplate);
  const results = openResultsDatabase(database.db, { schema: SCHEMA });
  const jobId = await insertTestJob(results);
  const writer = async (name: number) => {
    for (let i = 0; i < 25; i++) {
      await inTx(results, (tx) =>
        appendJobEvents(tx, { jobId, events: [{ event: `A${name}` }, { event: `B${name}` }] }),
      );
      await inTx(results, (tx) => appendTaskLogs(tx, { jobId, lines: [{ message: `${name}.${i}` }], cap: 10_000 }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)));
  const events = await listJobEvents(results, { jobId });
  expect(events.map((row) => row.seq_no)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
  expect(events.every((row, index) => index === 0 || row.ts >= (events[index - 1]?.ts ?? row.ts))).toBe(true);
  const lines = await listTaskLogs(results, { jobId, limit: 500 });
  expect(lines.items.map((row) => row.line_no)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  expect(await getJob(results, { jobId })).toMatchObject({ last_event_seq: 400, last_log_line: 200 });
});
