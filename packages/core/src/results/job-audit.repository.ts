import { sql } from 'kysely';
import { withNumbers } from '../postgres/bigint-column.ts';
import { fromNow } from './from-now.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import type { JobStatus } from './tables/job-status.ts';

/** A job with what must agree with it in its own database. */
export interface JobAudit {
  readonly job_id: string;
  readonly status: JobStatus;
  readonly priority: number;
  readonly resource_class: string;
  /** False where the job was written without a pipeline, by another program: it has no mirror. */
  readonly is_mirrored: boolean;
  readonly fence: number;
  readonly last_event_seq: number;
  readonly event_count: number;
  /** 0 where there is no event. */
  readonly newest_event: number;
  readonly open_attempts: number;
  /** False within `graceMs` after a change of the row: its mirror may be on its way. */
  readonly is_settled: boolean;
  /** How long ago the lease of a RUNNING job ran out, beyond `graceMs`. */
  readonly lease_overdue_ms: number | null;
}

export interface ListJobAudits {
  readonly afterJobId: string;
  readonly limit: number;
  readonly graceMs: number;
}

/** Jobs in the order of their ids, all of a row seen at one moment. */
export async function listJobAudits(
  db: ResultsDatabase,
  { afterJobId, limit, graceMs }: ListJobAudits,
): Promise<readonly JobAudit[]> {
  const rows = await db
    .selectFrom('jobs')
    .select((eb) => [
      'job_id',
      'status',
      'priority',
      'resource_class',
      'fence',
      'last_event_seq',
      sql<boolean>`pipeline_id is not null and pipeline_version_id is not null`.as('is_mirrored'),
      eb
        .selectFrom('job_events as e')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('e.job_id', '=', 'jobs.job_id')
        .as('event_count'),
      eb
        .selectFrom('job_events as e')
        .select((inner) => inner.fn.max('e.seq_no').as('newest'))
        .whereRef('e.job_id', '=', 'jobs.job_id')
        .as('newest_event'),
      eb
        .selectFrom('task_executions as x')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('x.job_id', '=', 'jobs.job_id')
        .where('x.status', 'in', ['PENDING', 'RUNNING'])
        .as('open_attempts'),
      eb('updated_at', '<=', fromNow(-graceMs)).as('is_settled'),
      sql<number | null>`case when status = 'RUNNING' and lease_expires_at <= ${fromNow(-graceMs)}
        then extract(epoch from now() - lease_expires_at) * 1000 end`.as('lease_overdue_ms'),
    ])
    .where('job_id', '>', afterJobId)
    .orderBy('job_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    ...withNumbers(row, ['fence', 'last_event_seq']),
    event_count: Number(row.event_count),
    newest_event: Number(row.newest_event ?? 0),
    open_attempts: Number(row.open_attempts),
    is_settled: Boolean(row.is_settled),
    lease_overdue_ms: row.lease_overdue_ms === null ? null : Number(row.lease_overdue_ms),
  }));
}

/** A file that a row of a job names. */
export interface JobFile {
  readonly job_id: string;
  readonly key: string;
  readonly uri: string;
  readonly checksum: string | null;
  readonly kind: 'input' | 'output';
}

/** The files that the jobs were given and made. */
export async function listJobFiles(
  db: ResultsDatabase,
  { jobIds }: { readonly jobIds: readonly string[] },
): Promise<readonly JobFile[]> {
  const columns = ['job_id', 'key', 'uri', 'checksum'] as const;
  const isOne = sql<boolean>`job_id = any(cast(${jobIds} as uuid[]))`;
  const inputs = await db.selectFrom('job_inputs').select(columns).where(isOne).execute();
  const outputs = await db.selectFrom('job_outputs').select(columns).where(isOne).execute();
  return [
    ...inputs.map((row) => ({ ...row, kind: 'input' as const })),
    ...outputs.map((row) => ({ ...row, kind: 'output' as const })),
  ];
}

/** True while the database holds any job at all. */
export async function hasJobs(db: ResultsDatabase): Promise<boolean> {
  return (await db.selectFrom('jobs').select('job_id').limit(1).executeTakeFirst()) !== undefined;
}

/** Lets the numbering of a job's events go on behind the newest there is. */
export async function raiseEventNumber(tx: ResultsTransaction, { jobId }: { readonly jobId: string }): Promise<void> {
  await tx
    .updateTable('jobs')
    .set((eb) => ({
      last_event_seq: sql<number>`greatest(last_event_seq, ${eb
        .selectFrom('job_events as e')
        .select((inner) => inner.fn.max('e.seq_no').as('newest'))
        .whereRef('e.job_id', '=', 'jobs.job_id')})`,
    }))
    .where('job_id', '=', jobId)
    .execute();
}
