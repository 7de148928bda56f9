import type { Insertable, Selectable, Updateable } from 'kysely';
import type { NullableBigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';

/** A file that a job made, under the key of its pipeline output. */
export interface JobOutputsTable {
  job_id: string;
  key: string;
  uri: string;
  content_type: string | null;
  size_bytes: NullableBigintColumn;
  checksum: string | null;
}

/** A row of `job_outputs` as repositories return it, bigints as numbers. */
export type JobOutputRow = WithNumbers<Selectable<JobOutputsTable>>;
/** What an insert into `job_outputs` takes; columns with a default may be left out. */
export type NewJobOutputRow = Insertable<JobOutputsTable>;
/** What an update of `job_outputs` may set. */
export type JobOutputRowUpdate = Updateable<JobOutputsTable>;
