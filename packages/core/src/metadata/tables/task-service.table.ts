import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonbColumn, NullableTimestampColumn } from '../../postgres/column-types.ts';

export type HealthStatus = 'healthy' | 'unhealthy' | 'starting' | 'unknown';

/** The table `task_services`. */
export interface TaskServiceTable {
  service_id: Generated<string>;
  task_definition_id: string;
  service_url: string;
  pod_name: string | null;
  node_name: string | null;
  health_status: ColumnType<HealthStatus, HealthStatus | undefined, HealthStatus>;
  last_health_check: NullableTimestampColumn;
  resources_used: NullableJsonbColumn;
  started_at: NullableTimestampColumn;
}

/** A row of `task_services`. */
export type TaskServiceRow = Selectable<TaskServiceTable>;
/** A row to insert into `task_services`; columns with a default may be left out. */
export type NewTaskServiceRow = Insertable<TaskServiceTable>;
/** The columns of `task_services` to change. */
export type TaskServiceRowUpdate = Updateable<TaskServiceTable>;
