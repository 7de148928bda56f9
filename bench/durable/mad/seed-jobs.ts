import { Client } from 'pg';
import { ANSWER } from '../contender.ts';
import { SCHEMA } from './mad-organization.ts';

/** Lays so many finished jobs of the chain, a second apart, into both databases: all their rows, under keys as old as they are. */
export async function seedJobs(url: string, { jobs }: { readonly jobs: number }): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Neither foreign keys nor triggers are checked for rows that are known to be right.
    await client.query(
      `set session_replication_role = replica; set synchronous_commit = off; set search_path = ${SCHEMA}, public`,
    );
    for (const statement of STATEMENTS) await client.query(statement.text, statement.values({ jobs }));
    await client.query('vacuum (analyze)');
  } finally {
    await client.end();
  }
}

const answer = `'${JSON.stringify(ANSWER)}'::jsonb`;

const STATEMENTS: readonly { text: string; values: (size: { jobs: number }) => unknown[] }[] = [
  {
    text: `create temporary table seeds as
      select uuidv7(make_interval(secs => at - $1)) as id, now() + make_interval(secs => at - $1) as ts from generate_series(1, $1::int) at`,
    values: ({ jobs }) => [jobs],
  },
  {
    text: `create temporary table chain as select p.org_id, pipeline_id, pipeline_version_id
      from public.pipelines p join public.pipeline_versions using (pipeline_id) where p.name = 'chain'`,
    values: () => [],
  },
  ...[
    `insert into jobs (job_id, pipeline_version, pipeline_id, pipeline_version_id, spec_digest, cache, status, timings, fence, last_event_seq, created_at, updated_at)
      select id, 'chain@1.0.0', pipeline_id, pipeline_version_id, repeat('0', 64), '{"use": true}',
        'COMPLETED', jsonb_build_object('started', ts, 'ended', ts), 1, 9, ts, ts from seeds, chain`,
    `insert into public.jobs_meta (job_id, org_id, pipeline_id, pipeline_version_id, status, fence, event_no, created_at, updated_at)
      select id, org_id, pipeline_id, pipeline_version_id, 'COMPLETED', 1, 9, ts, ts from seeds, chain`,
    `insert into task_executions (exec_id, job_id, task_name, status, started_at, ended_at, task_definition_id, service_id, worker_id)
      select uuidv7(ts - now()), id, 'step-' || step, 'COMPLETED', ts, ts, '0195d0c0-0000-7000-8000-0000000000d1',
        '0195d0c0-0000-7000-8000-0000000000d2', 'bench' from seeds, generate_series(1, 3) step`,
    `insert into task_results (job_id, task_name, service_name, schema_version, result_data)
      select id, 'step-' || step, 'bench', '1.0.0', ${answer} from seeds, generate_series(1, 3) step`,
    `insert into job_events (job_id, seq_no, ts, event, detail, metadata)
      select id, at, ts, name, step, case when step is null then '{}'::jsonb else jsonb_build_object('task_name', step) end
      from seeds, unnest(array['QUEUED', 'STARTED', 'TASK_STARTED', 'TASK_COMPLETED', 'TASK_STARTED', 'TASK_COMPLETED', 'TASK_STARTED', 'TASK_COMPLETED', 'COMPLETED'],
        array[null, null, 'step-1', 'step-1', 'step-2', 'step-2', 'step-3', 'step-3', null]) with ordinality event(name, step, at)`,
  ].map((text) => ({ text, values: () => [] })),
];
