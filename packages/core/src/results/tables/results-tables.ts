import type { CacheFlightsTable } from './cache-flights-table.ts';
import type { DockingResultsTable } from './docking-results-table.ts';
import type { JobEventsTable } from './job-events-table.ts';
import type { JobInputsTable } from './job-inputs-table.ts';
import type { JobOutputsTable } from './job-outputs-table.ts';
import type { JobsTable } from './jobs-table.ts';
import type { ResultCacheTable } from './result-cache-table.ts';
import type { ResultsDatabaseTable } from './results-database-table.ts';
import type { TaskExecutionsTable } from './task-executions-table.ts';
import type { TaskLogsTable } from './task-logs-table.ts';
import type { TaskResultsTable } from './task-results-table.ts';

/** The tables of one organization's Results DB. */
export interface ResultsTables {
  jobs: JobsTable;
  job_inputs: JobInputsTable;
  job_outputs: JobOutputsTable;
  docking_results: DockingResultsTable;
  task_executions: TaskExecutionsTable;
  task_logs: TaskLogsTable;
  task_results: TaskResultsTable;
  result_cache: ResultCacheTable;
  job_events: JobEventsTable;
  cache_flights: CacheFlightsTable;
  results_database: ResultsDatabaseTable;
}
