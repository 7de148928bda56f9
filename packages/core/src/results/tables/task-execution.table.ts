import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonbColumn, NullableTimestampColumn } from '../../postgres/column-types.ts';
import type { JobStatus } from './job-status.ts';

/** One attempt of one step instance. */
export interface TaskExecutionsTable {
  exec_id: Generated<string>;
  job_id: string;
  /** Step instance: `dock` or `dock[<item key>]`. */
  task_name: string;
  status: Generated<JobStatus>;
  started_at: NullableTimestampColumn;
  ended_at: NullableTimestampColumn;
  /** 0-based number of the attempt. */
  retries: Generated<number>;
  logs_uri: string | null;

  task_definition_id: string | null;
  service_id: string | null;
  /** The service's own id of a long-running call. */
  external_id: string | null;
  worker_id: string | null;
  error: NullableJsonbColumn;
  cache_key: string | null;
  cache_outcome: string | null;
  heartbeat_at: NullableTimestampColumn;
}

/** A row of `task_executions` as repositories return it. */
export type TaskExecutionRow = Selectable<TaskExecutionsTable>;
/** What an insert into `task_executions` takes; columns with a default may be left out. */
export type NewTaskExecutionRow = Insertable<TaskExecutionsTable>;
/** What an update of `task_executions` may set. */
export type TaskExecutionRowUpdate = Updateable<TaskExecutionsTable>;
