import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { describeOnEachDatabase, SCHEMA } from './each-database.ts';

// The tables of the schema proposal as PostgreSQL describes them: name, type, not null, default.
const COLUMNS: Record<string, readonly string[]> = {
  jobs: [
    'job_id uuid not null',
    'pipeline_version text not null',
    "status job_status not null default 'PENDING'::job_status",
    'input_signature text',
    "params jsonb not null default '{}'::jsonb",
    "timings jsonb not null default '{}'::jsonb",
    "metrics jsonb not null default '{}'::jsonb",
    'error jsonb',
    'created_at timestamp with time zone not null default now()',
    'updated_at timestamp with time zone not null default now()',
  ],
  job_inputs: [
    'job_id uuid not null',
    'key text not null',
    'uri text not null',
    'content_type text',
    'size_bytes bigint',
    'checksum text',
  ],
  job_outputs: [
    'job_id uuid not null',
    'key text not null',
    'uri text not null',
    'content_type text',
    'size_bytes bigint',
    'checksum text',
  ],
  docking_results: [
    'job_id uuid not null',
    'pose_rank integer not null',
    'affinity double precision not null',
    'rmsd double precision',
    "metadata jsonb not null default '{}'::jsonb",
  ],
  task_executions: [
    'exec_id uuid not null default gen_random_uuid()',
    'job_id uuid not null',
    'task_name text not null',
    "status job_status not null default 'PENDING'::job_status",
    'started_at timestamp with time zone',
    'ended_at timestamp with time zone',
    'retries integer not null default 0',
    'logs_uri text',
  ],
  task_logs: [
    'job_id uuid not null',
    'line_no bigint not null',
    'ts timestamp with time zone not null default now()',
    "level text not null default 'INFO'::text",
    'message text not null',
  ],
  task_results: [
    'job_id uuid not null',
    'task_name text not null',
    'service_name text',
    'schema_version text',
    'confidence_score double precision',
    "result_data jsonb not null default '{}'::jsonb",
  ],
  result_cache: [
    'cache_key text not null',
    'pipeline_version text not null',
    'task_name text not null',
    'canonical_job_id uuid not null',
    'confidence_score double precision',
    "artifact_map jsonb not null default '{}'::jsonb",
    "metrics_summary jsonb not null default '{}'::jsonb",
    'hit_count integer not null default 0',
    'last_used_at timestamp with time zone not null default now()',
    'created_at timestamp with time zone not null default now()',
    'expires_at timestamp with time zone',
  ],
  job_events: [
    'job_id uuid not null',
    'seq_no bigint not null',
    'ts timestamp with time zone not null default now()',
    'event text not null',
    'detail text',
    "metadata jsonb not null default '{}'::jsonb",
  ],
};

const OF_JOB = 'FOREIGN KEY (job_id) REFERENCES jobs(job_id) ON DELETE CASCADE';
const KEYS: Record<string, readonly string[]> = {
  jobs: ['PRIMARY KEY (job_id)'],
  job_inputs: ['PRIMARY KEY (job_id, key)', OF_JOB],
  job_outputs: ['PRIMARY KEY (job_id, key)', OF_JOB],
  docking_results: ['PRIMARY KEY (job_id, pose_rank)', OF_JOB],
  task_executions: ['PRIMARY KEY (exec_id)', OF_JOB],
  task_logs: ['PRIMARY KEY (job_id, line_no)', OF_JOB],
  task_results: ['PRIMARY KEY (job_id, task_name)', OF_JOB],
  result_cache: ['PRIMARY KEY (cache_key)'],
  job_events: ['PRIMARY KEY (job_id, seq_no)', OF_JOB],
};

const INDEXES = [
  'idx_jobs_status_updated ON jobs USING btree (status, updated_at DESC)',
  'idx_jobs_input_signature ON jobs USING btree (input_signature)',
  'idx_docking_results_affinity ON docking_results USING btree (affinity)',
];

const ADDED_INDEXES = [
  'task_executions USING btree (job_id, task_name, retries)',
  "jobs USING btree (status, lease_expires_at) WHERE (status = 'RUNNING'::job_status)",
  'jobs USING btree (created_at DESC)',
  'docking_results USING btree (job_id, affinity)',
  'result_cache USING btree (expires_at) WHERE (expires_at IS NOT NULL)',
  'result_cache USING btree (canonical_job_id)',
  'result_cache USING btree (task_name, pipeline_version)',
];

describeOnEachDatabase((results) => {
  test('the nine tables of the proposal stand, column by column', async () => {
    const found = await columns(results());
    for (const [table, expected] of Object.entries(COLUMNS)) {
      expect(found.filter((column) => column.table_name === table).map((column) => column.definition)).toEqual(
        expect.arrayContaining([...expected]),
      );
    }
  });

  test('every column added to them is nullable or has a default, so that programs written for the proposal go on', async () => {
    const demanding = (await columns(results()))
      .filter(({ table_name }) => table_name in COLUMNS)
      .filter(({ table_name, definition }) => !COLUMNS[table_name]?.includes(definition))
      .filter(({ definition }) => definition.includes('not null') && !definition.includes('default'));
    expect(demanding).toEqual([]);
  });

  test('job_status has its five values in their order', async () => {
    const { rows } = await sql<{
      label: string;
    }>`select enumlabel as label from pg_enum join pg_type t on t.oid = enumtypid
      where t.typname = 'job_status' and t.typnamespace = ${SCHEMA}::regnamespace order by enumsortorder`.execute(
      results(),
    );
    expect(rows.map((row) => row.label)).toEqual(['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED']);
  });

  test('its keys stand', async () => {
    const rows = await describeIn<{ table_name: string; definition: string }>(
      results(),
      `select conrelid::regclass::text as table_name, pg_get_constraintdef(oid) as definition from pg_constraint where connamespace = '${SCHEMA}'::regnamespace`,
    );
    for (const [table, expected] of Object.entries(KEYS)) {
      expect(rows.filter((row) => row.table_name === table).map((row) => row.definition)).toEqual(
        expect.arrayContaining([...expected]),
      );
    }
    expect(
      rows.filter(
        (row) => row.definition === 'FOREIGN KEY (canonical_job_id) REFERENCES jobs(job_id) ON DELETE CASCADE',
      ),
    ).toEqual([expect.objectContaining({ table_name: 'result_cache' })]);
  });

  test('its indexes stand under their names, and those that its reads want besides', async () => {
    const { rows } = await sql<{
      definition: string;
    }>`select indexdef as definition from pg_indexes where schemaname = ${SCHEMA}`.execute(results());
    const found = rows.map((row) => row.definition.replaceAll(`${SCHEMA}.`, ''));
    expect(found).toEqual(expect.arrayContaining(INDEXES.map((index) => `CREATE INDEX ${index}`)));
    for (const index of ADDED_INDEXES)
      expect(found.filter((definition) => definition.endsWith(` ON ${index}`))).toHaveLength(1);
    expect(found.filter((definition) => definition.includes('last_used_at'))).toEqual([]);
  });

  test('nothing of it stands outside its schema, and no extension was made', async () => {
    const { rows } = await sql<{
      name: string;
    }>`select relname as name from pg_class where relnamespace = 'public'::regnamespace
      union all select proname from pg_proc where proname like 'mad\\_%' and pronamespace <> ${SCHEMA}::regnamespace
      union all select extname from pg_extension where extname not in ('plpgsql', 'citext')`.execute(results());
    expect(rows).toEqual([]);
  });
});

const columns = (results: ResultsDatabase) =>
  describeIn<{ table_name: string; definition: string }>(
    results,
    `select attrelid::regclass::text as table_name, concat_ws(' ', attname, format_type(atttypid, atttypmod),
       case when attnotnull then 'not null' end, 'default ' || pg_get_expr(adbin, adrelid)) as definition
     from pg_attribute join pg_class c on c.oid = attrelid and c.relkind = 'r' left join pg_attrdef on adrelid = attrelid and adnum = attnum
     where c.relnamespace = '${SCHEMA}'::regnamespace and attnum > 0 order by attrelid, attnum`,
  );

/** Asks the catalogue with the schema on the path, so that descriptions come without it. */
function describeIn<Row>(results: ResultsDatabase, query: string): Promise<readonly Row[]> {
  return results.transaction().execute(async (tx) => {
    await sql`set local search_path to ${sql.id(SCHEMA)}`.execute(tx);
    return (await sql.raw<Row>(query).execute(tx)).rows;
  });
}
