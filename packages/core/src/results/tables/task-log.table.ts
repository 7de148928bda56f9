import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { BigintValue, WithNumbers } from '../../postgres/bigint-column.ts';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** A log line of a job, numbered 1..n. */
export interface TaskLogsTable {
  job_id: string;
  line_no: ColumnType<BigintValue, number, never>;
  ts: TimestampColumn;
  level: Generated<string>;
  message: string;
  exec_id: string | null;
  /** Step instance: `dock` or `dock[<item key>]`. */
  task_name: string | null;
}

/** A row of `task_logs` as repositories return it, bigints as numbers. */
export type TaskLogRow = WithNumbers<Selectable<TaskLogsTable>>;
/** What an insert into `task_logs` takes; columns with a default may be left out. */
export type NewTaskLogRow = Insertable<TaskLogsTable>;
/** What an update of `task_logs` may set. */
export type TaskLogRowUpdate = Updateable<TaskLogsTable>;
