import type { ResultCacheTable } from './cache-entry.table.ts';
import type { CacheEventsTable } from './cache-event.table.ts';
import type { CacheFlightsTable } from './cache-flight.table.ts';
import type { DockingResultsTable } from './docking-result.table.ts';
import type { JobsTable } from './job.table.ts';
import type { JobEventsTable } from './job-event.table.ts';
import type { JobInputsTable } from './job-input.table.ts';
import type { JobOutputsTable } from './job-output.table.ts';
import type { JobUsageTable } from './job-usage.table.ts';
import type { PipelineSpecsTable } from './pipeline-spec.table.ts';
import type { ResultsDatabaseTable } from './results-stamp.table.ts';
import type { StorageUsageTable } from './storage-usage.table.ts';
import type { StoredFilesTable } from './stored-file.table.ts';
import type { TaskExecutionsTable } from './task-execution.table.ts';
import type { TaskLogsTable } from './task-log.table.ts';
import type { TaskResultsTable } from './task-result.table.ts';

/** The tables of one organization's Results DB. */
export interface ResultsTables {
  pipeline_specs: PipelineSpecsTable;
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
  cache_events: CacheEventsTable;
  job_usage: JobUsageTable;
  stored_files: StoredFilesTable;
  storage_usage: StorageUsageTable;
  results_database: ResultsDatabaseTable;
}
