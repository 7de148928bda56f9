import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableTimestampColumn, RequiredJsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** The table `pipeline_versions`. */
export interface PipelineVersionTable {
  pipeline_version_id: Generated<string>;
  pipeline_id: string;
  version: string;
  /** Frozen once the version is published. */
  spec: RequiredJsonbColumn;
  published: Generated<boolean>;
  created_by: string | null;
  created_at: TimestampColumn;
  deprecated_at: NullableTimestampColumn;
}

/** A row of `pipeline_versions`. */
export type PipelineVersionRow = Selectable<PipelineVersionTable>;
/** A row to insert into `pipeline_versions`; columns with a default may be left out. */
export type NewPipelineVersionRow = Insertable<PipelineVersionTable>;
/** The columns of `pipeline_versions` to change. */
export type PipelineVersionRowUpdate = Updateable<PipelineVersionTable>;
