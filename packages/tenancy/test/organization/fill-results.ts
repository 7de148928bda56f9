import { type JsonObject, newId, type ResultsDatabase } from '@mad/core';
import { sql } from 'kysely';

/** Writes rows into every table of a Results DB: `jobs` of them, and values that only an exact copy keeps. */
export async function fillResults(results: ResultsDatabase, { orgId, jobs = 3 }: { orgId: string; jobs?: number }) {
  const ids = Array.from({ length: jobs }, () => newId());
  const digest = 'a'.repeat(64);
  const uri = `mad://org/${orgId}/artifacts/${digest}`;
  for (const [index, job_id] of ids.entries()) {
    await results
      .insertInto('jobs')
      .values({
        job_id,
        pipeline_version: 'redock@1.0.0',
        status: 'PENDING',
        params: sql<JsonObject>`${String.raw`{"text": "line\nbreak \"quoted\" ü", "big": 9007199254740993, "one": 1.0}`}::text::jsonb`,
        created_at: '2026-01-02T03:04:05.123456Z',
        idempotency_key: `key ${index}`,
      })
      .execute();
    await results
      .insertInto('job_inputs')
      .values({ job_id, key: 'ligand', uri, size_bytes: 12, checksum: digest })
      .execute();
    await results.insertInto('job_outputs').values({ job_id, key: 'poses', uri, size_bytes: 12 }).execute();
    await results
      .insertInto('docking_results')
      .values({ job_id, pose_rank: 1, affinity: -0.1 - 0.2, rmsd: null })
      .execute();
    await results
      .insertInto('task_executions')
      .values({ exec_id: newId(), job_id, task_name: 'dock', status: 'COMPLETED' })
      .execute();
    await results
      .insertInto('task_results')
      .values({
        job_id,
        task_name: 'dock',
        confidence_score: 0.30000000000000004,
        result_data: sql<JsonObject>`${'{"affinity": -7.10}'}::text::jsonb`,
      })
      .execute();
    await results.insertInto('task_logs').values({ job_id, line_no: 1, message: 'started' }).execute();
    await results.insertInto('job_events').values({ job_id, seq_no: 1, event: 'QUEUED' }).execute();
  }
  const [first = '', second = ''] = ids;
  // An earlier row that refers to a later one: whoever copies by rows meets it the wrong way round.
  await results.updateTable('jobs').set({ forked_from: second }).where('job_id', '=', first).execute();
  await results
    .insertInto('result_cache')
    .values({
      cache_key: 'k1',
      pipeline_version: 'redock@1.0.0',
      task_name: 'dock',
      canonical_job_id: second,
      seal: 's',
    })
    .execute();
  const flight = { owner: 'w1', job_id: first, lease_expires_at: new Date('2030-01-01') };
  await results
    .insertInto('cache_flights')
    .values({ cache_key: 'k2', ...flight })
    .execute();
  for (const event of ['PINNED', 'UNPINNED'])
    await results.insertInto('cache_events').values({ cache_key: 'k1', event, canonical_job_id: second }).execute();
  await results
    .insertInto('pipeline_specs')
    .values({ spec_digest: digest, spec: { tasks: [] } })
    .execute();
  return ids;
}
