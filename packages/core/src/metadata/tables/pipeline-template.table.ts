import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonColumn, NullableTimestampColumn, RequiredJsonColumn } from './column-types.ts';

/** The table `pipeline_templates`. */
export interface PipelineTemplateTable {
  template_id: Generated<string>;
  org_id: string;
  name: string;
  display_name: string;
  description: string | null;
  category: string;
  workflow_definition: RequiredJsonColumn;
  default_parameters: NullableJsonColumn;
  is_public: Generated<boolean>;
  is_system: Generated<boolean>;
  version: Generated<string>;
  created_by: string | null;
  created_at: NullableTimestampColumn;
  updated_at: NullableTimestampColumn;
}

/** A row of `pipeline_templates`. */
export type PipelineTemplate = Selectable<PipelineTemplateTable>;
/** A row to insert into `pipeline_templates`; columns with a default may be left out. */
export type NewPipelineTemplate = Insertable<PipelineTemplateTable>;
/** The columns of `pipeline_templates` to change. */
export type PipelineTemplateUpdate = Updateable<PipelineTemplateTable>;
