import { CompiledQuery } from 'kysely';
import type { JsonObject } from '../json.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { JobTransition, MovedJob } from './job-transition.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import { toCleanJsonText, toJsonText } from './to-jsonb.ts';

/**
 * Writes the transitions of many jobs in one statement, at most one transition a job, and returns the jobs that were still held; of the others
 * nothing is written. See the migration `0008_journal` for what is written how.
 */
export async function commitTransitions(
  db: ResultsDatabase,
  { holder, leaseMs, transitions }: { holder: string; leaseMs: number; transitions: readonly JobTransition[] },
): Promise<readonly MovedJob[]> {
  const columns = COLUMNS.map((): Value[] => []);
  const add = (part: Part, ...values: readonly Value[]): void => {
    for (const [index, value] of values.entries()) columns[FIRST[part] + index]?.push(value);
  };
  for (const [index, transition] of transitions.entries()) addTransition(add, index + 1, transition);
  const { rows } = await db.executeQuery<MovedJob>(
    CompiledQuery.raw(statementOf(schemaOf(db)), [holder, leaseMs, ...columns]),
  );
  return rows.map((row) => ({ ...row, last_event_seq: Number(row.last_event_seq) }));
}

type Value = string | number | null;
type Part = keyof typeof PARTS;

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
const COLUMNS = Object.values(PARTS).flat();
const FIRST = Object.fromEntries(
  Object.keys(PARTS).map((part, index) => [part, Object.values(PARTS).slice(0, index).flat().length]),
) as Record<Part, number>;

const ARRAYS = COLUMNS.map((type, index) => `$${index + 3}::${type}[]`).join(', ');

function statementOf(schema: string): string {
  return prepared(
    `SELECT moved_job AS job_id, moved_seq AS last_event_seq, cancel_requested FROM ${schema}mad_commit_transitions($1, $2, ${ARRAYS})`,
  );
}

function addTransition(
  add: (part: Part, ...values: readonly Value[]) => void,
  job: number,
  { jobId, fence, claim, close, events, starts, ends, results }: JobTransition,
): void {
  const kind = claim ? 'claim' : (close?.status ?? 'move');
  const metrics = close ? toCleanJsonText(close.metrics) : null;
  add('jobs', jobId, fence, events.length, kind, close ? clean(close.error) : null, metrics);
  for (const { execId, taskName, status, attempt, taskDefinitionId, cacheKey, cacheOutcome, error } of starts)
    add('starts', job, execId, taskName, status, attempt, taskDefinitionId, cacheKey, cacheOutcome, clean(error));
  for (const { execId, status, serviceId, error } of ends) add('ends', job, execId, status, serviceId, clean(error));
  for (const { taskName, serviceName, schemaVersion, confidenceScore, resultData } of results)
    add('results', job, taskName, serviceName, schemaVersion, confidenceScore, toJsonText(resultData));
  for (const { key, uri, content_type = null, size_bytes = null, checksum = null } of close?.outputs ?? [])
    add('outputs', job, key, uri, content_type, size_bytes === null ? null : Number(size_bytes), checksum);
  for (const { pose_rank, affinity, rmsd_lb = null, rmsd_ub = null, metadata } of close?.poses ?? [])
    add('poses', job, pose_rank, affinity, rmsd_lb, rmsd_ub, toCleanJsonText((metadata ?? {}) as JsonObject));
  for (const [index, { event, detail, metadata = {} }] of events.entries())
    add('events', job, index + 1, event, detail?.replaceAll('\0', '\ufffd') ?? null, toCleanJsonText(metadata));
}

const clean = (error: JsonObject | null): string | null => (error === null ? null : toCleanJsonText(error));
