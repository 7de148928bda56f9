import { sql } from 'kysely';
import { withNumbers } from '../postgres/bigint-column.ts';
import type { ResultsDatabase } from './results-database.ts';
import type { JobRow } from './tables/job.table.ts';

const COLUMNS = [
  'job_id',
  'pipeline_id',
  'pipeline_version_id',
  'submitted_by',
  'status',
  'priority',
  'created_at',
  'fence',
  'last_event_seq',
  'idempotency_key',
  'deadline',
  'screening_id',
  'item_key',
  'error',
  'canonical_job_id',
] as const;

/** What of a job its mirror in the Metadata DB shows. */
export type MirroredJob = Pick<JobRow, (typeof COLUMNS)[number]>;

/** Those of the jobs that are there, in no order. */
export async function listMirroredJobs(
  db: ResultsDatabase,
  { jobIds }: { jobIds: readonly string[] },
): Promise<readonly MirroredJob[]> {
  if (jobIds.length === 0) return [];
  const rows = await db
    .selectFrom('jobs')
    .select(COLUMNS)
    .where(sql<boolean>`job_id = any(cast(${jobIds} as uuid[]))`)
    .execute();
  return rows.map((row) => withNumbers(row, ['fence', 'last_event_seq']));
}
