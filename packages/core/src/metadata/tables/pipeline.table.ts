import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

export type Visibility = 'private' | 'org' | 'public';

/** The table `pipelines`. */
export interface PipelineTable {
  pipeline_id: Generated<string>;
  org_id: string;
  name: string;
  description: Generated<string>;
  /** The highest published version that is no prerelease; written by the publishing transaction. */
  latest_version: string | null;
  visibility: ColumnType<Visibility, Visibility | undefined, Visibility>;
  created_by: string | null;
  created_at: TimestampColumn;
}

/** A row of `pipelines`. */
export type PipelineRow = Selectable<PipelineTable>;
/** A row to insert into `pipelines`; columns with a default may be left out. */
export type NewPipelineRow = Insertable<PipelineTable>;
/** The columns of `pipelines` to change. */
export type PipelineRowUpdate = Updateable<PipelineTable>;
