import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonbColumn, NullableTimestampColumn } from '../../postgres/column-types.ts';

/** The table `pipeline_task_steps`. */
export interface PipelineTaskStepTable {
  step_id: Generated<string>;
  template_id: string;
  task_definition_id: string;
  step_name: string;
  step_order: number;
  /** Step ids of the same template. Written as JSON text: a driver would make a JavaScript array a PostgreSQL array. */
  depends_on: ColumnType<readonly string[] | null, string | undefined, string>;
  parameter_overrides: NullableJsonbColumn;
  created_at: NullableTimestampColumn;
}

/** A row of `pipeline_task_steps`. */
export type PipelineTaskStepRow = Selectable<PipelineTaskStepTable>;
/** A row to insert into `pipeline_task_steps`; columns with a default may be left out. */
export type NewPipelineTaskStepRow = Insertable<PipelineTaskStepTable>;
/** The columns of `pipeline_task_steps` to change. */
export type PipelineTaskStepRowUpdate = Updateable<PipelineTaskStepTable>;
