import type { ColumnType, Insertable, Selectable, Updateable } from 'kysely';
import type { BigintValue, WithNumbers } from '../../postgres/bigint-column.ts';
import type { JsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** An entry of a job's timeline, numbered 1..n without a gap. */
export interface JobEventsTable {
  job_id: string;
  seq_no: ColumnType<BigintValue, number, never>;
  /** Never falls along `seq_no`. */
  ts: TimestampColumn;
  event: string;
  detail: string | null;
  metadata: JsonbColumn;
}

/** A row of `job_events` as repositories return it, bigints as numbers. */
export type JobEventRow = WithNumbers<Selectable<JobEventsTable>>;
/** What an insert into `job_events` takes; columns with a default may be left out. */
export type NewJobEventRow = Insertable<JobEventsTable>;
/** What an update of `job_events` may set. */
export type JobEventRowUpdate = Updateable<JobEventsTable>;
