import { CompiledQuery } from 'kysely';
import type { JsonObject } from '../json.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { JobTransition, MovedJob } from './job-transition.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import { toCleanJsonText, toJsonText } from './to-jsonb.ts';

/**
 * Writes the transitions of many jobs in one statement, at most one transition a job, and returns the jobs that were still held; of the others
 * nothing is written. The statement holds the parts that the batch needs: few combinations occur, and each is prepared once a connection.
 */
export async function commitTransitions(
  db: ResultsDatabase,
  { holder, transitions }: { readonly holder: string; readonly transitions: readonly JobTransition[] },
): Promise<readonly MovedJob[]> {
  const rows = toRows(transitions, holder);
  const parts = PARTS.filter(({ name }) => rows[name].length > 0);
  const text = statementOf(schemaOf(db), parts);
  const values = parts.flatMap(({ name, columns }) => columns.map((_, index) => rows[name].map((row) => row[index])));
  const { rows: moved } = await db.executeQuery<MovedJob>(CompiledQuery.raw(text, values));
  return moved.map((row) => ({ ...row, last_event_seq: Number(row.last_event_seq) }));
}

type PartName =
  | 'moved'
  | 'claimed'
  | 'closed'
  | 'orphaned'
  | 'started'
  | 'ended'
  | 'resulted'
  | 'told'
  | 'outputs'
  | 'poses';
type Row = readonly (string | number | null)[];

interface Part {
  readonly name: PartName;
  /** Name and type of each array parameter, in the order of a row's values. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly sql: (schema: string, given: string) => string;
}

const NOW = `to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const RETURNING =
  'RETURNING j.job_id, j.last_event_seq - g.events AS before, j.last_event_seq, j.cancel_requested_at IS NOT NULL AS cancel_requested';
const GUARD = [
  ['job_id', 'uuid'],
  ['fence', 'bigint'],
  ['events', 'int'],
] as const;

// `moved` sets no column that is indexed or watched by a trigger: its row stays in its page and touches no index. The three guards never share
// a job, because one statement can change a row only once.
const PARTS: readonly Part[] = [
  {
    name: 'moved',
    columns: GUARD,
    sql: (s, given) => `UPDATE ${s}jobs j SET last_event_seq = j.last_event_seq + g.events FROM ${given}
  WHERE j.job_id = g.job_id AND j.fence = g.fence AND j.status = 'RUNNING' ${RETURNING}`,
  },
  {
    name: 'claimed',
    columns: [...GUARD, ['holder', 'text'], ['lease_ms', 'bigint']],
    sql: (
      s,
      given,
    ) => `UPDATE ${s}jobs j SET status = 'RUNNING', lease_owner = g.holder, lease_expires_at = now() + g.lease_ms * interval '1 ms',
    fence = j.fence + 1, crash_count = j.crash_count + CASE WHEN j.status = 'RUNNING' THEN 1 ELSE 0 END,
    timings = jsonb_build_object('started', ${NOW}) || j.timings, last_event_seq = j.last_event_seq + g.events FROM ${given}
  WHERE j.job_id = g.job_id AND j.fence = g.fence AND ((j.status = 'PENDING' AND (j.run_after IS NULL OR j.run_after <= now()))
    OR (j.status = 'RUNNING' AND j.lease_expires_at <= now())) ${RETURNING}`,
  },
  {
    name: 'closed',
    columns: [...GUARD, ['status', 'text'], ['error', 'jsonb'], ['metrics', 'jsonb']],
    sql: (
      s,
      given,
    ) => `UPDATE ${s}jobs j SET status = g.status::${s}job_status, lease_owner = NULL, lease_expires_at = NULL, error = g.error,
    timings = j.timings || jsonb_build_object('ended', ${NOW}), metrics = j.metrics || g.metrics,
    last_event_seq = j.last_event_seq + g.events FROM ${given}
  WHERE j.job_id = g.job_id AND j.fence = g.fence AND j.status = 'RUNNING' ${RETURNING}`,
  },
  {
    // A job that ends without success leaves no attempt open.
    name: 'orphaned',
    columns: [['job_id', 'uuid']],
    sql: (
      s,
      given,
    ) => `UPDATE ${s}task_executions e SET status = 'CANCELED', ended_at = now() FROM ${given} JOIN held USING (job_id)
  WHERE e.job_id = g.job_id AND e.status IN ('PENDING', 'RUNNING')`,
  },
  {
    name: 'started',
    columns: [
      ['job_id', 'uuid'],
      ['exec_id', 'uuid'],
      ['task_name', 'text'],
      ['status', 'text'],
      ['retries', 'int'],
      ['task_definition_id', 'uuid'],
      ['worker_id', 'text'],
      ['cache_key', 'text'],
      ['cache_outcome', 'text'],
      ['error', 'jsonb'],
    ],
    sql: (
      s,
      given,
    ) => `INSERT INTO ${s}task_executions (exec_id, job_id, task_name, status, started_at, ended_at, retries, task_definition_id,
    worker_id, cache_key, cache_outcome, error)
  SELECT g.exec_id, g.job_id, g.task_name, g.status::${s}job_status, CASE WHEN g.status = 'RUNNING' THEN now() END,
    CASE WHEN g.status <> 'RUNNING' THEN now() END, g.retries, g.task_definition_id, g.worker_id, g.cache_key, g.cache_outcome, g.error
  FROM ${given} JOIN held USING (job_id)`,
  },
  {
    name: 'ended',
    columns: [
      ['job_id', 'uuid'],
      ['exec_id', 'uuid'],
      ['status', 'text'],
      ['service_id', 'uuid'],
      ['error', 'jsonb'],
    ],
    sql: (
      s,
      given,
    ) => `UPDATE ${s}task_executions e SET status = g.status::${s}job_status, ended_at = now(), service_id = g.service_id, error = g.error
  FROM ${given} JOIN held USING (job_id) WHERE e.exec_id = g.exec_id AND e.status IN ('PENDING', 'RUNNING')`,
  },
  {
    name: 'resulted',
    columns: [
      ['job_id', 'uuid'],
      ['task_name', 'text'],
      ['service_name', 'text'],
      ['schema_version', 'text'],
      ['confidence_score', 'float8'],
      ['result_data', 'jsonb'],
    ],
    sql: (
      s,
      given,
    ) => `INSERT INTO ${s}task_results (job_id, task_name, service_name, schema_version, confidence_score, result_data)
  SELECT g.job_id, g.task_name, g.service_name, g.schema_version, g.confidence_score, g.result_data FROM ${given} JOIN held USING (job_id)`,
  },
  {
    name: 'outputs',
    columns: [
      ['job_id', 'uuid'],
      ['key', 'text'],
      ['uri', 'text'],
      ['content_type', 'text'],
      ['size_bytes', 'bigint'],
      ['checksum', 'text'],
    ],
    sql: (s, given) => `INSERT INTO ${s}job_outputs (job_id, key, uri, content_type, size_bytes, checksum)
  SELECT g.job_id, g.key, g.uri, g.content_type, g.size_bytes, g.checksum FROM ${given} JOIN held USING (job_id)`,
  },
  {
    name: 'poses',
    columns: [
      ['job_id', 'uuid'],
      ['pose_rank', 'int'],
      ['affinity', 'float8'],
      ['rmsd_lb', 'float8'],
      ['rmsd_ub', 'float8'],
      ['metadata', 'jsonb'],
    ],
    sql: (s, given) => `INSERT INTO ${s}docking_results (job_id, pose_rank, affinity, rmsd, rmsd_lb, rmsd_ub, metadata)
  SELECT g.job_id, g.pose_rank, g.affinity, g.rmsd_ub, g.rmsd_lb, g.rmsd_ub, g.metadata FROM ${given} JOIN held USING (job_id)`,
  },
  {
    // The time at which the row was got, not at which the transaction began: time never falls along the numbers.
    name: 'told',
    columns: [
      ['job_id', 'uuid'],
      ['ord', 'int'],
      ['event', 'text'],
      ['detail', 'text'],
      ['metadata', 'jsonb'],
    ],
    sql: (s, given) => `INSERT INTO ${s}job_events (job_id, seq_no, ts, event, detail, metadata)
  SELECT g.job_id, held.before + g.ord, clock_timestamp(), g.event, g.detail, g.metadata FROM ${given} JOIN held USING (job_id)`,
  },
];

const statements = new Map<string, string>();

function statementOf(schema: string, parts: readonly Part[]): string {
  const key = `${schema} ${parts.map(({ name }) => name).join()}`;
  const known = statements.get(key);
  if (known !== undefined) return known;
  let parameter = 0;
  const clauses = parts.map(({ name, columns, sql }) => {
    const arrays = columns.map(([, type]) => `$${++parameter}::${type}[]`);
    const given = `unnest(${arrays.join(', ')}) AS g(${columns.map(([column]) => column).join(', ')})`;
    return { name, sql: `${name} AS (${sql(schema, given)})` };
  });
  const guards = clauses.filter(({ name }) => name === 'moved' || name === 'claimed' || name === 'closed');
  const held = `held AS (${guards.map(({ name }) => `SELECT * FROM ${name}`).join(' UNION ALL ')})`;
  const others = clauses.filter((clause) => !guards.includes(clause));
  const withs = [...guards.map(({ sql }) => sql), held, ...others.map(({ sql }) => sql)];
  const text = prepared(`WITH ${withs.join(',\n')}\nSELECT job_id, last_event_seq, cancel_requested FROM held`);
  if (statements.size < 10_000) statements.set(key, text);
  return text;
}

function toRows(transitions: readonly JobTransition[], holder: string): Record<PartName, Row[]> {
  const rows: Record<PartName, Row[]> = {
    ...{
      moved: [],
      claimed: [],
      closed: [],
      orphaned: [],
      started: [],
      ended: [],
      resulted: [],
      told: [],
      outputs: [],
      poses: [],
    },
  };
  for (const { jobId, fence, claim, close, events, starts, ends, results } of transitions) {
    const guard = [jobId, fence, events.length] as const;
    if (claim) rows.claimed.push([...guard, claim.holder, claim.leaseMs]);
    else if (close) rows.closed.push([...guard, close.status, clean(close.error), toCleanJsonText(close.metrics)]);
    else rows.moved.push(guard);
    if (close && close.status !== 'COMPLETED') rows.orphaned.push([jobId]);
    for (const { execId, taskName, status, attempt, taskDefinitionId, cacheKey, cacheOutcome, error } of starts)
      rows.started.push([
        ...[jobId, execId, taskName, status, attempt, taskDefinitionId],
        ...[holder, cacheKey, cacheOutcome, clean(error)],
      ]);
    for (const { execId, status, serviceId, error } of ends)
      rows.ended.push([jobId, execId, status, serviceId, clean(error)]);
    for (const { taskName, serviceName, schemaVersion, confidenceScore, resultData } of results)
      rows.resulted.push([jobId, taskName, serviceName, schemaVersion, confidenceScore, toJsonText(resultData)]);
    events.forEach(({ event, detail = null, metadata = {} }, index) => {
      rows.told.push([jobId, index + 1, event, detail, toCleanJsonText(metadata)]);
    });
    for (const { key, uri, content_type, size_bytes, checksum } of close?.outputs ?? [])
      rows.outputs.push([jobId, key, uri, content_type ?? null, toNumber(size_bytes), checksum ?? null]);
    for (const { pose_rank, affinity, rmsd_lb, rmsd_ub, metadata } of close?.poses ?? [])
      rows.poses.push([
        jobId,
        pose_rank,
        affinity,
        rmsd_lb ?? null,
        rmsd_ub ?? null,
        toCleanJsonText((metadata ?? {}) as JsonObject),
      ]);
  }
  return rows;
}

const clean = (error: JsonObject | null): string | null => (error === null ? null : toCleanJsonText(error));
const toNumber = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));
