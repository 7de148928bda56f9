import { CompiledQuery } from 'kysely';
import type { JsonObject } from '../json.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { JobTransition, MovedJob } from './job-transition.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import type { TerminalJobStatus } from './tables/job-status.ts';
import { toCleanJsonText, toJsonText } from './to-jsonb.ts';

/** A transition as the values that will be written: what its maker changes later changes nothing here. */
export interface TransitionRows {
  readonly jobId: string;
  readonly fence: number;
  readonly kind: 'claim' | 'move' | TerminalJobStatus;
  /** JSON text. */
  readonly error: string | null;
  readonly metrics: string | null;
  /** By part, each without the place of its job. */
  readonly rows: Readonly<Record<ChildPart, readonly Row[]>>;
  /** Characters of what may be large. */
  readonly size: number;
}

/**
 * Writes the transitions of many jobs in one statement, at most one transition a job, and returns the jobs that were still held; of the others
 * nothing is written. See the migration `0008_journal` for what is written how.
 */
export async function commitTransitions(
  db: ResultsDatabase,
  { holder, leaseMs, jobs }: { holder: string; leaseMs: number; jobs: readonly TransitionRows[] },
): Promise<readonly MovedJob[]> {
  const columns = COLUMNS.map((): Value[] => []);
  // No iterators with their entries: they were a fifth of what an executor at full speed leaves to the garbage collector.
  const add = (first: number, values: Row): void => {
    for (let index = 0; index < values.length; index++) columns[first + index]?.push(values[index] ?? null);
  };
  let job = 0;
  for (const { jobId, fence, kind, error, metrics, rows } of jobs) {
    job++;
    add(FIRST.jobs, [jobId, fence, rows.events.length, kind, error, metrics]);
    for (const part of CHILD_PARTS) {
      let place = 0;
      for (const row of rows[part]) {
        const lead = part === 'events' ? [job, ++place] : [job];
        add(FIRST[part], lead);
        add(FIRST[part] + lead.length, row);
      }
    }
  }
  const { rows } = await db.executeQuery<{ seq_before: (string | null)[]; cancel_requested: number[] }>(
    CompiledQuery.raw(statementOf(schemaOf(db)), [holder, leaseMs, ...columns.map(toArrayText)]),
  );
  const [{ seq_before: before, cancel_requested: canceled } = { seq_before: [], cancel_requested: [] }] = rows;
  return jobs.flatMap(({ jobId, rows: { events } }, index) => {
    const seq = before[index] ?? null;
    if (seq === null) return [];
    return {
      job_id: jobId,
      last_event_seq: Number(seq) + events.length,
      cancel_requested: canceled.includes(index + 1),
    };
  });
}

/** The array as PostgreSQL writes it. pg would look through every element for what is to be escaped twice, numbers and ids too. */
function toArrayText(values: readonly Value[]): string {
  return `{${values.map(toElement).join()}}`;
}

function toElement(value: Value): string | number {
  if (typeof value !== 'string') return value ?? 'NULL';
  const text = value.includes('\\') ? value.replaceAll('\\', '\\\\') : value;
  return `"${text.includes('"') ? text.replaceAll('"', '\\"') : text}"`;
}

/** The transitions of one job in their order as one. A claim stands alone, and nothing follows a close. */
export function mergeRows(transitions: readonly TransitionRows[]): TransitionRows {
  const [first] = transitions;
  const last = transitions.at(-1);
  if (first === undefined || last === undefined) throw new TypeError('expected a transition');
  if (first === last) return first;
  if (transitions.some(({ kind }, index) => kind !== 'move' && (kind === 'claim' || index < transitions.length - 1)))
    throw new TypeError('a job was written to before its claim or after its end');
  const rows = Object.fromEntries(CHILD_PARTS.map((part) => [part, transitions.flatMap((one) => one.rows[part])]));
  return {
    ...last,
    rows: rows as unknown as TransitionRows['rows'],
    size: transitions.reduce((sum, { size }) => sum + size, 0),
  };
}

type Value = string | number | null;
type Row = readonly Value[];
type Part = keyof typeof PARTS;
type ChildPart = Exclude<Part, 'jobs'>;

/** The types of the columns of each part, in the order of the function's parameters. */
const PARTS = {
  jobs: ['uuid', 'bigint', 'int', 'text', 'jsonb', 'jsonb'],
  starts: ['int', 'uuid', 'text', 'text', 'int', 'uuid', 'text', 'text', 'jsonb'],
  ends: ['int', 'uuid', 'text', 'uuid', 'jsonb'],
  results: ['int', 'text', 'text', 'text', 'float8', 'jsonb'],
  outputs: ['int', 'text', 'text', 'text', 'bigint', 'text'],
  poses: ['int', 'int', 'float8', 'float8', 'float8', 'jsonb'],
  events: ['int', 'int', 'text', 'text', 'jsonb'],
} as const;
const CHILD_PARTS = ['starts', 'ends', 'results', 'outputs', 'poses', 'events'] as const;
const COLUMNS = Object.values(PARTS).flat();
const FIRST = Object.fromEntries(
  Object.keys(PARTS).map((part, index) => [part, Object.values(PARTS).slice(0, index).flat().length]),
) as Record<Part, number>;

const ARRAYS = COLUMNS.map((type, index) => `$${index + 3}::${type}[]`).join(', ');

function statementOf(schema: string): string {
  return prepared(`SELECT seq_before, cancel_requested FROM ${schema}mad_commit_transitions($1, $2, ${ARRAYS})`);
}

/** @throws {ValidationFailedError | TypeError | RangeError} for what JSON or jsonb cannot hold. */
export function toTransitionRows(transition: JobTransition): TransitionRows {
  const { jobId, fence, claim, close, events, starts, ends, results } = transition;
  const answers = results.map(({ taskName, serviceName, schemaVersion, confidenceScore, resultData }) => {
    return [taskName, serviceName, schemaVersion, confidenceScore, toJsonText(resultData)] as const;
  });
  return {
    jobId,
    fence,
    kind: claim ? 'claim' : (close?.status ?? 'move'),
    error: close ? clean(close.error) : null,
    metrics: close ? toCleanJsonText(close.metrics) : null,
    size: answers.reduce((sum, [, , , , text]) => sum + text.length, 0),
    rows: {
      starts: starts.map(({ execId, taskName, status, attempt, taskDefinitionId, cacheKey, cacheOutcome, error }) => [
        ...[execId, taskName, status, attempt, taskDefinitionId, cacheKey, cacheOutcome, clean(error)],
      ]),
      ends: ends.map(({ execId, status, serviceId, error }) => [execId, status, serviceId, clean(error)]),
      results: answers,
      outputs: (close?.outputs ?? []).map(({ key, uri, content_type = null, size_bytes = null, checksum = null }) => [
        ...[key, uri, content_type, size_bytes === null ? null : Number(size_bytes), checksum],
      ]),
      poses: (close?.poses ?? []).map(({ pose_rank, affinity, rmsd_lb = null, rmsd_ub = null, metadata }) => [
        ...[pose_rank, affinity, rmsd_lb, rmsd_ub, toCleanJsonText((metadata ?? {}) as JsonObject)],
      ]),
      events: events.map(({ event, detail, metadata = {} }) => [
        ...[event, detail?.replaceAll('\0', '\ufffd') ?? null, toCleanJsonText(metadata)],
      ]),
    },
  };
}

const clean = (error: JsonObject | null): string | null => (error === null ? null : toCleanJsonText(error));
