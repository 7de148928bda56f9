import { expect, test } from 'vitest';
import { ConflictError, NotFoundError, ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { insertDockingResults, listDockingResults } from '../../src/results/docking-result.repository.ts';
import {
  findCanonicalJobId,
  findJob,
  findJobByIdempotencyKey,
  getJob,
  insertJob,
  insertJobOutputs,
  listJobInputs,
  listJobOutputs,
  listJobs,
  requestJobCancel,
} from '../../src/results/job.repository.ts';
import type { NewJobRow } from '../../src/results/tables/job.table.ts';
import { findTaskResult, insertTaskResult, listTaskResults } from '../../src/results/task-result.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';

describeOnEachDatabase((results) => {
  const submit = (job: Partial<NewJobRow> = {}, inputs: Parameters<typeof insertJob>[1]['inputs'] = []) =>
    results()
      .transaction()
      .execute((tx) => insertJob(tx, { job: { job_id: newId(), pipeline_version: 'dock@1.0.0', ...job }, inputs }));

  test('a job is read as it was inserted, big numbers as numbers', async () => {
    const params = { list: [1, 'two', { three: null }], text: 'a\\u0000b' };
    const job = await submit({ params, spec: { version: 1, tasks: [] }, priority: 3 }, [
      { key: 'ligand', uri: 'mad://l', size_bytes: 2 ** 40 },
    ]);
    expect(job).toMatchObject({
      status: 'PENDING',
      params,
      spec: { version: 1, tasks: [] },
      priority: 3,
      fence: 0,
      last_event_seq: 0,
      cache: null,
    });
    expect(await findJob(results(), { jobId: job.job_id })).toEqual(job);
    expect(await listJobInputs(results(), { jobId: job.job_id })).toEqual([
      { job_id: job.job_id, key: 'ligand', uri: 'mad://l', content_type: null, size_bytes: 2 ** 40, checksum: null },
    ]);
  });

  test('a job that is not there is undefined to find and an error to get', async () => {
    expect(await findJob(results(), { jobId: newId() })).toBeUndefined();
    await expect(getJob(results(), { jobId: newId() })).rejects.toThrow(NotFoundError);
    await expect(requestJobCancel(results(), { jobId: newId() })).rejects.toThrow(NotFoundError);
  });

  test('a second job under one idempotency key is refused, and the same transaction finds the first', async () => {
    const idempotency_key = newId();
    const first = await submit({ idempotency_key });
    const found = await results()
      .transaction()
      .execute(async (tx) => {
        await expect(
          insertJob(tx, { job: { job_id: newId(), pipeline_version: 'x@1', idempotency_key }, inputs: [] }),
        ).rejects.toThrow(ConflictError);
        return findJobByIdempotencyKey(tx, { idempotencyKey: idempotency_key });
      });
    expect(found).toEqual(first);
  });

  test('text that jsonb cannot hold is refused before the database sees it', async () => {
    await expect(submit({ params: { smiles: 'C\0C' } })).rejects.toThrow(ValidationFailedError);
    await expect(submit({ params: { smiles: 'C\ud800C' } })).rejects.toThrow(ValidationFailedError);
  });

  test('pages go through all jobs once, newest first, even when many have the same time', async () => {
    const screeningId = newId();
    const times = [0, 0, 0, 1, 1, 2, 3].map((micro) => `2026-01-01T00:00:00.00000${micro}Z`);
    const ids: string[] = [];
    for (const created_at of times) ids.push(await insertTestJob(results(), { created_at, screening_id: screeningId }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listJobs(results(), { screeningId, limit: 2, cursor });
      seen.push(...page.items.map((job) => job.job_id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids.toReversed());
    expect((await listJobs(results(), { screeningId, status: 'RUNNING' })).items).toEqual([]);
    expect(Object.keys((await listJobs(results(), { screeningId, limit: 1 })).items[0] ?? {})).not.toContain(
      'created_at_text',
    );
    await expect(listJobs(results(), { cursor: 'x' })).rejects.toThrow(ValidationFailedError);
  });

  test('a cancel is requested once, tells what it found, and leaves a closed job alone', async () => {
    const [pending, running, done] = [
      await insertTestJob(results()),
      await insertTestJob(results(), { status: 'RUNNING' }),
      await insertTestJob(results(), { status: 'FAILED' }),
    ];
    const requestedAt = async (jobId: string) => (await getJob(results(), { jobId })).cancel_requested_at;
    expect(await requestJobCancel(results(), { jobId: pending })).toBe('PENDING');
    expect(await requestJobCancel(results(), { jobId: running })).toBe('RUNNING');
    const first = await requestedAt(running);
    expect(await requestJobCancel(results(), { jobId: running })).toBe('RUNNING');
    expect(await requestedAt(running)).toEqual(first);
    expect(await requestJobCancel(results(), { jobId: done })).toBe('FAILED');
    expect(await requestedAt(done)).toBeNull();
  });

  test('a cache hit, and a hit on that hit, show outputs, poses and results of the job that really ran', async () => {
    const ran = await submit();
    await results()
      .transaction()
      .execute(async (tx) => {
        await insertJobOutputs(tx, { jobId: ran.job_id, outputs: [{ key: 'poses', uri: 'mad://p', size_bytes: 7 }] });
        await insertTaskResult(tx, {
          job_id: ran.job_id,
          task_name: 'dock',
          result_data: { poses: [-9.5] },
          confidence_score: 0.8,
        });
        const poses = [
          { pose_rank: 2, affinity: -9.1, rmsd_lb: 1.2, rmsd_ub: 2.4 },
          { pose_rank: 1, affinity: -9.5, rmsd_lb: 0, rmsd_ub: 0, metadata: { seed: 7 } },
        ];
        await insertDockingResults(tx, { jobId: ran.job_id, poses });
      });
    const hit = await submit({ status: 'COMPLETED', canonical_job_id: ran.job_id, cache: { hit: true } });
    const again = await submit({ status: 'COMPLETED', canonical_job_id: hit.job_id });
    expect(again.canonical_job_id).toBe(ran.job_id);
    expect(await findCanonicalJobId(results(), { jobId: again.job_id })).toBe(ran.job_id);
    for (const { job_id: jobId } of [ran, hit, again]) {
      expect(await listJobOutputs(results(), { jobId })).toMatchObject([
        { job_id: ran.job_id, key: 'poses', size_bytes: 7 },
      ]);
      expect(await listDockingResults(results(), { jobId })).toMatchObject([
        { pose_rank: 1, affinity: -9.5, rmsd: 0, metadata: { seed: 7 } },
        { pose_rank: 2, rmsd: 2.4, metadata: {} },
      ]);
      expect(await listTaskResults(results(), { jobId })).toMatchObject([
        { task_name: 'dock', result_data: { poses: [-9.5] } },
      ]);
    }
    expect(await findTaskResult(results(), { jobId: hit.job_id, taskName: 'dock' })).toBeUndefined();
  });

  test('a second commit of one step instance is refused and the first stands', async () => {
    const jobId = await insertTestJob(results());
    await results()
      .transaction()
      .execute(async (tx) => {
        await insertTaskResult(tx, { job_id: jobId, task_name: 'dock', result_data: { n: 1 } });
        await expect(insertTaskResult(tx, { job_id: jobId, task_name: 'dock', result_data: { n: 2 } })).rejects.toThrow(
          ConflictError,
        );
      });
    expect(await findTaskResult(results(), { jobId, taskName: 'dock' })).toMatchObject({ result_data: { n: 1 } });
  });
});
