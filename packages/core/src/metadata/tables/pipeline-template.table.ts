import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonbColumn, NullableTimestampColumn, RequiredJsonbColumn } from '../../postgres/column-types.ts';

/** The table `pipeline_templates`. */
export interface PipelineTemplateTable {
  template_id: Generated<string>;
  org_id: string;
  name: string;
  display_name: string;
  description: string | null;
  category: string;
  workflow_definition: RequiredJsonbColumn;
  default_parameters: NullableJsonbColumn;
  is_public: Generated<boolean>;
  is_system: Generated<boolean>;
  version: Generated<string>;
  created_by: string | null;
  created_at: NullableTimestampColumn;
  updated_at: NullableTimestampColumn;
}

/** A row of `pipeline_templates`. */
export type PipelineTemplateRow = Selectable<PipelineTemplateTable>;
/** A row to insert into `pipeline_templates`; columns with a default may be left out. */
export type NewPipelineTemplateRow = Insertable<PipelineTemplateTable>;
/** The columns of `pipeline_templates` to change. */
export type PipelineTemplateRowUpdate = Updateable<PipelineTemplateTable>;
