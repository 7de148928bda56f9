export {
  type CacheEntryState,
  type CountedHits,
  type CountHits,
  countHits,
  type DamagedEntry,
  expireCacheEntry,
  findCacheEntries,
  findCacheEntry,
  findCacheKeys,
  type ListCacheEntries,
  listCacheEntries,
  pinCacheEntry,
  quarantineEntries,
  type StatedEntryRow,
} from './cache-entry.repository.ts';
export { listCacheEvents } from './cache-event.repository.ts';
export {
  type ClaimCacheFlights,
  claimCacheFlights,
  deleteOldCacheFlights,
  endCacheFlights,
  endCacheFlightUnshared,
  type HeldCacheFlight,
  listCacheFlights,
  noteCacheFlightProgress,
  renewCacheFlights,
  type SeenCacheFlight,
  type WantedFlight,
} from './cache-flight.repository.ts';
export {
  type CacheCandidate,
  type CacheDecisionEvent,
  type ComputeTime,
  type ListCacheCandidates,
  type ListComputeTimes,
  listCacheCandidates,
  listCacheDecisions,
  listComputeTimes,
} from './cache-history.repository.ts';
export { type CacheStatistics, readCacheStatistics } from './cache-statistics.ts';
export { stepContentDigest } from './content-digest.ts';
export { listDockingResults } from './docking-result.repository.ts';
export { type EvictEntries, type EvictedEntry, evictEntryRows } from './evict-entries.ts';
export { failOverdueJobs } from './fail-overdue-jobs.ts';
export { type AcceptedJob, type InsertedJob, insertJobs } from './insert-jobs.ts';
export {
  findJob,
  findJobByIdempotencyKey,
  getJob,
  type ListJobs,
  listInputsOfJobs,
  listJobInputs,
  listJobOutputs,
  listJobs,
  listJobsByIdempotencyKey,
  requestJobCancel,
} from './job.repository.ts';
export {
  type AppendJobEvents,
  appendJobEvents,
  type JobNews,
  type JobPosition,
  type ListJobEvents,
  listJobEvents,
  listJobEventsAfter,
  type NewJobEvent,
} from './job-event.repository.ts';
export { cancelPendingJob, type HeldJob, releaseJobLease } from './job-lease.repository.ts';
export { type JobUsage, readJobUsage } from './job-usage.repository.ts';
export { listReferredDigests } from './list-referred-digests.ts';
export { type LookedUpEntry, lookUpEntries } from './look-up-entries.ts';
export { listMirroredJobs, type MirroredJob } from './mirrored-job.repository.ts';
export { openResultsDatabase } from './open-results-database.ts';
export {
  type DriftedEntry,
  type EntryToWeigh,
  type EntryToWrite,
  type ReplacedEntry,
  type WeighedEntry,
  type WriteEntries,
  weighEntries,
  writeEntries,
} from './record-entries.ts';
export { clearSampled, listSampledJobs, type SampledJob } from './rerun-entries.ts';
export type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
export { checkResultsStamp, stampResults } from './results-stamp.ts';
export { type MigrateResultsOptions, migrateResults, resultsTrack } from './results-track.ts';
export { countStoredFiles, forgetStoredFiles, readStoredBytes } from './stored-file.repository.ts';
export type {
  CacheEntryRow,
  CacheEntryRowUpdate,
  NewCacheEntryRow,
  ResultCacheTable,
} from './tables/cache-entry.table.ts';
export type { CacheEventRow, CacheEventsTable, NewCacheEventRow } from './tables/cache-event.table.ts';
export type {
  CacheFlightRow,
  CacheFlightRowUpdate,
  CacheFlightsTable,
  NewCacheFlightRow,
} from './tables/cache-flight.table.ts';
export type {
  DockingResultRow,
  DockingResultRowUpdate,
  DockingResultsTable,
  NewDockingResultRow,
} from './tables/docking-result.table.ts';
export type { JobRow, JobRowUpdate, JobsTable, NewJobRow } from './tables/job.table.ts';
export type { JobEventRow, JobEventRowUpdate, JobEventsTable, NewJobEventRow } from './tables/job-event.table.ts';
export type { JobInputRow, JobInputRowUpdate, JobInputsTable, NewJobInputRow } from './tables/job-input.table.ts';
export type { JobOutputRow, JobOutputRowUpdate, JobOutputsTable, NewJobOutputRow } from './tables/job-output.table.ts';
export type { JobStatus, TerminalJobStatus } from './tables/job-status.ts';
export type { JobUsageRow, JobUsageTable, NewJobUsageRow } from './tables/job-usage.table.ts';
export type { NewResultsDatabaseRow, ResultsDatabaseRow, ResultsDatabaseTable } from './tables/results-stamp.table.ts';
export type { ResultsTables } from './tables/results-tables.ts';
export type { NewStorageUsageRow, StorageUsageRow, StorageUsageTable } from './tables/storage-usage.table.ts';
export type { NewStoredFileRow, StoredFileRow, StoredFilesTable } from './tables/stored-file.table.ts';
export type {
  NewTaskExecutionRow,
  TaskExecutionRow,
  TaskExecutionRowUpdate,
  TaskExecutionsTable,
} from './tables/task-execution.table.ts';
export type { NewTaskLogRow, TaskLogRow, TaskLogRowUpdate, TaskLogsTable } from './tables/task-log.table.ts';
export type {
  NewTaskResultRow,
  TaskResultRow,
  TaskResultRowUpdate,
  TaskResultsTable,
} from './tables/task-result.table.ts';
export {
  type AcceptedExecution,
  finishOpenTaskExecutions,
  type InstanceOfJob,
  listRunningExecutions,
  listTaskExecutions,
  type RunningExecution,
  recordAcceptedExecution,
} from './task-execution.repository.ts';
export {
  type AppendedTaskLogs,
  type AppendTaskLogs,
  appendTaskLogs,
  type ListTaskLogs,
  listTaskLogs,
} from './task-log.repository.ts';
export {
  type CopyTaskResults,
  copyTaskResults,
  findTaskResult,
  listTaskResults,
} from './task-result.repository.ts';
export { type ListUnverified, listUnverifiedKeys, noteVerified, readResultsTime } from './verified-entries.ts';
export {
  type AffectedJob,
  disownEntryRows,
  type EntryCriteria,
  type InvalidateEntries,
  invalidateEntryRows,
  listAffectedJobs,
} from './withdraw-entries.ts';
