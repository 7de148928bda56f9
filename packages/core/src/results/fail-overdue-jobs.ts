import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

const MESSAGE = 'the deadline passed before the job could start; submit it again with a later one';
const ERROR = { code: 'TIMEOUT', message: MESSAGE, retryable: false };

/**
 * Closes PENDING jobs whose deadline has passed as FAILED with `TIMEOUT` and their last event, those longest overdue first, in one statement; returns
 * their ids, whose mirrors are yet to follow. Attempts that an executor left open when it gave such a job back are CANCELED. Safe to call from many processes: each job is closed by one of them. @default limit 500
 */
export async function failOverdueJobs(
  db: ResultsDatabase,
  { limit = 500 }: { readonly limit?: number | undefined } = {},
): Promise<readonly string[]> {
  const values = [limit, JSON.stringify(ERROR), MESSAGE, JSON.stringify({ error: ERROR })];
  const { rows } = await db.executeQuery<{ job_id: string }>(CompiledQuery.raw(statementOf(schemaOf(db)), values));
  return rows.map((row) => row.job_id);
}

const statementOf = (s: string): string => `WITH overdue AS (
  SELECT job_id FROM ${s}jobs WHERE status = 'PENDING' AND deadline <= now() ORDER BY deadline LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), closed AS (
  UPDATE ${s}jobs j SET status = 'FAILED', error = $2::jsonb, lease_owner = NULL, lease_expires_at = NULL, last_event_seq = j.last_event_seq + 1,
    timings = j.timings || jsonb_build_object('ended', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  FROM overdue WHERE j.job_id = overdue.job_id RETURNING j.job_id, j.last_event_seq
), orphaned AS (
  UPDATE ${s}task_executions e SET status = 'CANCELED', ended_at = now() FROM closed
  WHERE e.job_id = closed.job_id AND e.status IN ('PENDING', 'RUNNING')
), told AS (
  INSERT INTO ${s}job_events (job_id, seq_no, ts, event, detail, metadata)
  SELECT job_id, last_event_seq, clock_timestamp(), 'FAILED', $3::text, $4::jsonb FROM closed
)
SELECT job_id FROM closed`;
