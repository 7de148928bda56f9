import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { BigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';
import type {
  JsonbColumn,
  NullableJsonbColumn,
  NullableTimestampColumn,
  TimestampColumn,
} from '../../postgres/column-types.ts';
import type { JobStatus } from './job-status.ts';

/** One run of a pipeline version. */
export interface JobsTable {
  job_id: string;
  /** Label `name@version`; `pipeline_version_id` is the identity. */
  pipeline_version: string;
  status: Generated<JobStatus>;
  input_signature: string | null;
  params: JsonbColumn;
  /** `queued`, `started`, `ended`: ISO 8601 in UTC by the database's clock. */
  timings: JsonbColumn;
  metrics: JsonbColumn;
  error: NullableJsonbColumn;
  created_at: TimestampColumn;
  /** Left alone by renewals of the lease and by appended events and log lines. */
  updated_at: TimestampColumn;

  pipeline_id: string | null;
  pipeline_version_id: string | null;
  /** The spec this job runs, for jobs that were stored with one of their own; others name one of `pipeline_specs`. */
  spec: NullableJsonbColumn;
  /** The row of `pipeline_specs` with the spec this job runs, so that an executor needs nothing of the Metadata DB. */
  spec_digest: string | null;
  /** The job whose committed steps this one took over. */
  forked_from: string | null;
  /** What the job needs of a machine: `cpu`, `gpu` or a word of the host's own. */
  resource_class: Generated<string>;
  submitted_by: string | null;
  idempotency_key: string | null;
  /** Higher runs first. */
  priority: Generated<number>;
  deadline: NullableTimestampColumn;
  /** Not claimed before this time. */
  run_after: NullableTimestampColumn;
  screening_id: string | null;
  item_key: string | null;

  lease_owner: string | null;
  lease_expires_at: NullableTimestampColumn;
  /** Rises by one with every claim; 0 before the first. */
  fence: BigintColumn;
  cancel_requested_at: NullableTimestampColumn;
  /** How often an expired lease was taken over. */
  crash_count: Generated<number>;
  last_event_seq: BigintColumn;
  last_log_line: BigintColumn;

  /** The job that really ran, for a cache hit; never itself a hit. */
  canonical_job_id: string | null;
  /** While PENDING: the job that asked the same before and computes; this one is given its result. */
  leader_job_id: string | null;
  /** The cache's decision for the whole job. */
  cache: NullableJsonbColumn;
}

/** A row of `jobs` as repositories return it, bigints as numbers. */
export type JobRow = WithNumbers<Selectable<JobsTable>>;
/** What an insert into `jobs` takes; columns with a default may be left out. */
export type NewJobRow = Insertable<JobsTable>;
/** What an update of `jobs` may set. */
export type JobRowUpdate = Updateable<JobsTable>;

/** The columns that a repository turns to numbers. */
export const JOB_BIGINTS = ['fence', 'last_event_seq', 'last_log_line'] as const;
