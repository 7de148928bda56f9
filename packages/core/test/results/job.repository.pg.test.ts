import { expect, test } from 'vitest';
import { NotFoundError, ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { listDockingResults } from '../../src/results/docking-result.repository.ts';
import { type AcceptedJob, insertJobs } from '../../src/results/insert-jobs.ts';
import {
  findJob,
  findJobByIdempotencyKey,
  getJob,
  listJobInputs,
  listJobOutputs,
  listJobs,
  requestJobCancel,
} from '../../src/results/job.repository.ts';
import { findTaskResult, listTaskResults } from '../../src/results/task-result.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';
import { answered, claim, closed, commit } from './transitions.ts';

describeOnEachDatabase((results) => {
  /** Undefined when the job was left out. */
  const submit = async (columns: Partial<AcceptedJob['job']> = {}, inputs: AcceptedJob['inputs'] = []) => {
    const job = { job_id: newId(), pipeline_version: 'dock@1.0.0', ...columns };
    const [inserted] = await insertJobs(results(), { jobs: [{ job, inputs, events: [{ event: 'QUEUED' }] }] });
    return inserted && getJob(results(), { jobId: inserted.job_id });
  };

  test('a job is read as it was inserted, big numbers as numbers', async () => {
    const params = { list: [1, 'two', { three: null }], text: 'a\\u0000b' };
    const jobId = newId();
    const input = { key: 'ligand', uri: 'mad://l', size_bytes: 2 ** 40 };
    await submit({ job_id: jobId, params, spec_digest: 'd', priority: 3 }, [input]);
    expect(await findJob(results(), { jobId })).toMatchObject({
      job_id: jobId,
      status: 'PENDING',
      params,
      spec_digest: 'd',
      priority: 3,
      resource_class: 'cpu',
      fence: 0,
      last_event_seq: 1,
      cache: null,
    });
    expect(await listJobInputs(results(), { jobId })).toEqual([
      { job_id: jobId, ...input, content_type: null, checksum: null },
    ]);
  });

  test('a job that is not there is undefined to find and an error to get', async () => {
    expect(await findJob(results(), { jobId: newId() })).toBeUndefined();
    await expect(getJob(results(), { jobId: newId() })).rejects.toThrow(NotFoundError);
    await expect(requestJobCancel(results(), { jobId: newId() })).rejects.toThrow(NotFoundError);
  });

  test('a second job under one idempotency key is left out with its inputs, and the first is found by the key', async () => {
    const [idempotency_key, second] = [newId(), newId()];
    const first = await submit({ idempotency_key });
    expect(await submit({ idempotency_key, job_id: second }, [{ key: 'ligand', uri: 'mad://l' }])).toBeUndefined();
    expect(await findJobByIdempotencyKey(results(), { idempotencyKey: idempotency_key })).toEqual(first);
    expect(await listJobInputs(results(), { jobId: second })).toEqual([]);
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

  test('a cache hit shows outputs, poses and results of the job that really ran', async () => {
    const ran = await insertTestJob(results());
    await claim(results(), ran);
    const poses = [
      { pose_rank: 2, affinity: -9.1, rmsd_lb: 1.2, rmsd_ub: 2.4 },
      { pose_rank: 1, affinity: -9.5, rmsd_lb: 0, rmsd_ub: 0, metadata: { seed: 7 } },
    ];
    const outputs = [{ key: 'poses', uri: 'mad://p', size_bytes: 7 }];
    await commit(results(), {
      jobId: ran,
      fence: 1,
      results: [answered('dock', { resultData: { poses: [-9.5] } })],
      close: closed({ outputs, poses }),
    });
    const hit = newId();
    await submit({ job_id: hit, status: 'COMPLETED', canonical_job_id: ran, cache: { hit: true } });
    for (const jobId of [ran, hit]) {
      expect(await listJobOutputs(results(), { jobId })).toMatchObject([{ job_id: ran, key: 'poses', size_bytes: 7 }]);
      expect(await listDockingResults(results(), { jobId })).toMatchObject([
        { pose_rank: 1, affinity: -9.5, rmsd: 0, metadata: { seed: 7 } },
        { pose_rank: 2, rmsd: 2.4, metadata: {} },
      ]);
      expect(await listTaskResults(results(), { jobId })).toMatchObject([
        { task_name: 'dock', result_data: { poses: [-9.5] } },
      ]);
    }
    expect(await findTaskResult(results(), { jobId: hit, taskName: 'dock' })).toBeUndefined();
  });
});
