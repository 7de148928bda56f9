import { CompiledQuery } from 'kysely';
import { prepared } from '../postgres/prepared-statements.ts';
import type { NewJobEvent } from './job-event.repository.ts';
import { THIS_MONTH } from './job-usage.repository.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import type { NewJobRow } from './tables/job.table.ts';
import type { NewJobInputRow } from './tables/job-input.table.ts';
import { toCleanJsonText, toJsonText } from './to-jsonb.ts';

/** A new job, the files it is given and the beginning of its timeline. Its lease and its counters are the database's to set. */
export interface AcceptedJob {
  readonly job: Omit<NewJobRow, ColumnsOfARun>;
  readonly inputs: readonly Omit<NewJobInputRow, 'job_id'>[];
  /** At least one. */
  readonly events: readonly NewJobEvent[];
}

type ColumnsOfARun =
  | 'spec'
  | 'timings'
  | 'metrics'
  | 'error'
  | 'created_at'
  | 'updated_at'
  | 'lease_owner'
  | 'lease_expires_at'
  | 'fence'
  | 'cancel_requested_at'
  | 'crash_count'
  | 'last_event_seq'
  | 'last_log_line';

/** A job that was inserted. */
export interface InsertedJob {
  readonly job_id: string;
  readonly created_at: Date;
}

/**
 * Inserts jobs with their inputs and first events, one statement for up to 2,000 of them. Returns those that were inserted: one whose id or
 * idempotency key is taken is left out with all that belongs to it. Two calls that share keys wait for each other, and never in a circle.
 * More than one statement is one whole only inside a transaction.
 *
 * `isCounted`: where the jobs of this month are counted already, these are too. For one statement alone: until it ends whoever else counts waits.
 */
export async function insertJobs(
  db: ResultsDatabase,
  { jobs, isCounted = false }: { readonly jobs: readonly AcceptedJob[]; readonly isCounted?: boolean | undefined },
): Promise<readonly InsertedJob[]> {
  // In one order for all calls: an insert waits for the open transaction that holds its key.
  const ordered = jobs.toSorted((a, b) => compare(a.job.idempotency_key ?? '', b.job.idempotency_key ?? ''));
  const s = schemaOf(db);
  const text = prepared(isCounted ? countingStatementOf(s) : statementOf(s));
  const inserted: InsertedJob[] = [];
  for (const part of inParts(ordered)) {
    const { rows } = await db.executeQuery<InsertedJob>(CompiledQuery.raw(text, parametersOf(part)));
    inserted.push(...rows);
  }
  return inserted;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const ROWS = 2_000;
// A jsonb value holds 256 MB, and a statement is in memory several times over.
const CHARACTERS = 8_000_000;

/** A job with its rows as JSON text, made once. */
interface Written {
  readonly job: string;
  readonly inputs: readonly string[];
  readonly events: readonly string[];
}

function* inParts(jobs: readonly AcceptedJob[]): Generator<readonly Written[]> {
  let part: Written[] = [];
  let characters = 0;
  for (const job of jobs) {
    const written = toWritten(job);
    if (part.length === ROWS || (part.length > 0 && characters + written.job.length > CHARACTERS)) {
      yield part;
      [part, characters] = [[], 0];
    }
    part.push(written);
    characters += written.job.length;
  }
  if (part.length > 0) yield part;
}

function toWritten({ job, inputs, events }: AcceptedJob): Written {
  const { deadline, run_after, ...columns } = job;
  const times = { deadline: toIso(deadline), run_after: toIso(run_after) };
  return {
    job: toJsonText({ ...columns, ...times, params: job.params ?? {}, last_event_seq: events.length }),
    inputs: inputs.map((input) => toJsonText({ ...input, job_id: job.job_id })),
    events: events.map(({ event, detail, metadata = {} }, index) =>
      toCleanJsonText({ job_id: job.job_id, seq_no: index + 1, event, detail: detail ?? null, metadata }),
    ),
  };
}

const toIso = (time: Date | string | null | undefined): string | null =>
  time instanceof Date ? time.toISOString() : (time ?? null);

const parametersOf = (part: readonly Written[]): string[] => [
  `[${part.map(({ job }) => job).join()}]`,
  `[${part.flatMap(({ inputs }) => inputs).join()}]`,
  `[${part.flatMap(({ events }) => events).join()}]`,
];

const JOB_COLUMNS = {
  job_id: 'uuid',
  pipeline_version: 'text',
  input_signature: 'text',
  params: 'jsonb',
  pipeline_id: 'uuid',
  pipeline_version_id: 'uuid',
  spec_digest: 'text',
  forked_from: 'uuid',
  submitted_by: 'uuid',
  idempotency_key: 'text',
  deadline: 'timestamptz',
  run_after: 'timestamptz',
  screening_id: 'uuid',
  item_key: 'text',
  last_event_seq: 'bigint',
  canonical_job_id: 'uuid',
  cache: 'jsonb',
} as const;

/** One part of the statement is enough to know the rest: what was not inserted joins nothing. */
const statementOf = (s: string, more = ''): string => `WITH accepted AS (
  INSERT INTO ${s}jobs (${Object.keys(JOB_COLUMNS).join(', ')}, status, priority, resource_class)
  SELECT ${Object.keys(JOB_COLUMNS).join(', ')}, coalesce(status, 'PENDING')::${s}job_status, coalesce(priority, 0), coalesce(resource_class, 'cpu')
  FROM jsonb_to_recordset($1::jsonb) AS given(${Object.entries(JOB_COLUMNS)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')}, status text, priority int, resource_class text)
  ON CONFLICT DO NOTHING RETURNING job_id, created_at, status
), files AS (
  INSERT INTO ${s}job_inputs (job_id, key, uri, content_type, size_bytes, checksum)
  SELECT job_id, key, uri, content_type, size_bytes, checksum FROM accepted
  JOIN jsonb_to_recordset($2::jsonb) AS given(job_id uuid, key text, uri text, content_type text, size_bytes bigint, checksum text) USING (job_id)
), told AS (
  INSERT INTO ${s}job_events (job_id, seq_no, ts, event, detail, metadata)
  SELECT job_id, seq_no, clock_timestamp(), event, detail, metadata FROM accepted
  JOIN jsonb_to_recordset($3::jsonb) AS given(job_id uuid, seq_no bigint, event text, detail text, metadata jsonb) USING (job_id)
)${more}
SELECT job_id, created_at FROM accepted`;

const countingStatementOf = (s: string): string =>
  statementOf(
    s,
    `, counted AS (
  UPDATE ${s}job_usage SET jobs = jobs + (SELECT count(*) FROM accepted WHERE status = 'PENDING')
  WHERE month = ${THIS_MONTH} AND EXISTS (SELECT FROM accepted WHERE status = 'PENDING')
)`,
  );
