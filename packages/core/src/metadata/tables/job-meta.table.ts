import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { BigintColumn } from '../../postgres/bigint-column.ts';
import type { NullableTimestampColumn, TimestampColumn } from '../../postgres/column-types.ts';
import type { JobStatus } from '../../results/tables/job-status.ts';

/** Mirrors the `jobs` row of the organization's Results DB, which is the truth. */
export interface JobMetaTable {
  job_id: string;
  org_id: string;
  pipeline_id: string;
  pipeline_version_id: string;
  submitted_by: string | null;
  status: ColumnType<JobStatus, JobStatus | undefined, JobStatus>;
  priority: Generated<number>;
  created_at: TimestampColumn;
  updated_at: TimestampColumn;
  /** Fence of the lease under which the mirrored state was written. */
  fence: BigintColumn;
  /** Sequence number of the job event that the mirrored state belongs to. */
  event_no: BigintColumn;
  idempotency_key: string | null;
  deadline: NullableTimestampColumn;
  screening_id: string | null;
  item_key: string | null;
  /** `error.code` of a FAILED job. */
  error_code: string | null;
  /** The job whose results a cache hit refers to. */
  canonical_job_id: string | null;
}

/** A row of `jobs_meta`. */
export type JobMetaRow = Omit<Selectable<JobMetaTable>, 'fence' | 'event_no'> & { fence: number; event_no: number };
/** A row to insert into `jobs_meta`; columns with a default may be left out. */
export type NewJobMetaRow = Insertable<JobMetaTable>;
/** The columns of `jobs_meta` to change. */
export type JobMetaRowUpdate = Updateable<JobMetaTable>;
