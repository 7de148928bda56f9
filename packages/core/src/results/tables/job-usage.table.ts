import type { ColumnType, Insertable, Selectable } from 'kysely';
import type { BigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';

/** How many jobs were accepted in a month. */
export interface JobUsageTable {
  /** Its first day in UTC. */
  month: ColumnType<Date | string, Date | string, never>;
  jobs: BigintColumn;
}

/** A row of `job_usage` as repositories return it, bigints as numbers. */
export type JobUsageRow = WithNumbers<Selectable<JobUsageTable>>;
/** What an insert into `job_usage` takes. */
export type NewJobUsageRow = Insertable<JobUsageTable>;
