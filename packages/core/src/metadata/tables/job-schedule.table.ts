import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type {
  NullableJsonbColumn,
  NullableTimestampColumn,
  RequiredJsonbColumn,
  TimestampColumn,
} from '../../postgres/column-types.ts';

/** A job that is submitted at every tick of a clock. */
export interface JobScheduleTable {
  schedule_id: Generated<string>;
  org_id: string;
  name: string;
  /** Five fields: minute, hour, day of the month, month, day of the week; or `@daily` and its like. */
  cron: string;
  /** IANA name, such as `Europe/Berlin`. */
  timezone: Generated<string>;
  /** What is submitted: a `SubmitJob` without key and times. */
  request: RequiredJsonbColumn;
  enabled: Generated<boolean>;
  /** Whether one job makes up for the ticks at which nobody was there. */
  catch_up: Generated<boolean>;
  /** The user as whom the jobs are submitted. */
  created_by: string | null;
  /** The tick that is next, or due; null: none to come. */
  next_run_at: NullableTimestampColumn;
  /** The last tick that was worked off. */
  last_run_at: NullableTimestampColumn;
  /** The last job it gave. */
  last_job_id: string | null;
  /** Why the last tick gave none: `{code, message}`; null when it did. */
  last_error: NullableJsonbColumn;
  created_at: TimestampColumn;
  updated_at: TimestampColumn;
}

/** A row of `job_schedules`. */
export type JobScheduleRow = Selectable<JobScheduleTable>;
/** A row to insert into `job_schedules`; columns with a default may be left out. */
export type NewJobScheduleRow = Insertable<JobScheduleTable>;
/** The columns of `job_schedules` to change. */
export type JobScheduleRowUpdate = Updateable<JobScheduleTable>;
