import type { Insertable, Selectable, Updateable } from 'kysely';
import type { JsonbColumn } from '../../postgres/column-types.ts';

/** The committed answer of one step instance. */
export interface TaskResultsTable {
  job_id: string;
  /** Step instance: `dock` or `dock[<item key>]`. */
  task_name: string;
  service_name: string | null;
  schema_version: string | null;
  /** 0..1; null = not scored. */
  confidence_score: number | null;
  result_data: JsonbColumn;
}

/** A row of `task_results` as repositories return it. */
export type TaskResultRow = Selectable<TaskResultsTable>;
/** What an insert into `task_results` takes; columns with a default may be left out. */
export type NewTaskResultRow = Insertable<TaskResultsTable>;
/** What an update of `task_results` may set. */
export type TaskResultRowUpdate = Updateable<TaskResultsTable>;
