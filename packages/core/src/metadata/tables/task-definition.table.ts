import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { Determinism } from '../../ports/task-runner.ts';
import type { JsonbColumn, NullableTimestampColumn, RequiredJsonbColumn } from '../../postgres/column-types.ts';

/** The table `task_definitions`. */
export interface TaskDefinitionTable {
  task_definition_id: Generated<string>;
  org_id: string;
  /** The task key: a slug, the same for every version. Not a row id, whatever its name says. */
  task_id: string;
  version: Generated<string>;
  metadata: JsonbColumn;
  /** The OpenAPI document. Never changes: a new interface is a new version. */
  interface_spec: RequiredJsonbColumn;
  service_config: JsonbColumn;
  is_active: Generated<boolean>;
  is_system: Generated<boolean>;
  created_by: string | null;
  created_at: NullableTimestampColumn;
  updated_at: NullableTimestampColumn;
  /** SHA-256 of the canonical interface document; frozen once set. */
  interface_digest: string | null;
  determinism: ColumnType<Determinism | null, Determinism | null, Determinism | null>;
  /** Digest of the image that serves the interface. */
  image_digest: string | null;
  /** Name and version of the program behind the interface. */
  producer: string | null;
}

/** A row of `task_definitions`. */
export type TaskDefinitionRow = Selectable<TaskDefinitionTable>;
/** A row to insert into `task_definitions`; columns with a default may be left out. */
export type NewTaskDefinitionRow = Insertable<TaskDefinitionTable>;
/** The columns of `task_definitions` to change. */
export type TaskDefinitionRowUpdate = Updateable<TaskDefinitionTable>;
