import type { Insertable, Selectable, Updateable } from 'kysely';
import type { NullableBigintColumn, WithNumbers } from '../../postgres/bigint-column.ts';

/** A file that a job was given, under the key of its pipeline input. */
export interface JobInputsTable {
  job_id: string;
  key: string;
  uri: string;
  content_type: string | null;
  size_bytes: NullableBigintColumn;
  checksum: string | null;
}

/** A row of `job_inputs` as repositories return it, bigints as numbers. */
export type JobInputRow = WithNumbers<Selectable<JobInputsTable>>;
/** What an insert into `job_inputs` takes; columns with a default may be left out. */
export type NewJobInputRow = Insertable<JobInputsTable>;
/** What an update of `job_inputs` may set. */
export type JobInputRowUpdate = Updateable<JobInputsTable>;
