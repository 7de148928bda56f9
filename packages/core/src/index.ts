// What a host wires together.

// Files.
export { type ArtifactReference, isArtifactReference } from './artifacts/artifact-reference.ts';
export {
  type ArtifactAddress,
  formatArtifactUri,
  formatMoleculeUri,
  parseArtifactUri,
  parseMoleculeUri,
} from './artifacts/artifact-uri.ts';
export { createArtifactStore } from './artifacts/create-artifact-store.ts';
export { createLocalArtifactStore } from './artifacts/create-local-artifact-store.ts';
export { readArtifactText } from './artifacts/read-artifact-text.ts';
export { type Clock, systemClock } from './clock.ts';
// Words and values.
export * from './errors.ts';
export { Executor, type ExecutorOptions } from './executor/executor.ts';
export { isUuid, newId, type OrgId, SYSTEM_ORG_ID } from './ids.ts';
// What a platform does.
export { type Caller, requirePermission, requirePermissionOn } from './job/caller.ts';
export { cancelJob } from './job/cancel-job.ts';
export { type FollowJob, followJob, type JobEvent } from './job/follow-job.ts';
export { type JobFailure, toJobFailure } from './job/job-failure.ts';
export {
  getJobResults,
  type JobArtifact,
  type JobPose,
  type JobResults,
  type JobTaskResult,
} from './job/job-results.ts';
export { mirrorJob } from './job/mirror-job.ts';
export { isTerminal } from './job/states.ts';
export { type SubmitJob, type SubmittedJob, submitJob } from './job/submit-job.ts';
export { findByPointer, isJsonObject, type JsonObject, type JsonValue, parsePointer } from './json.ts';
export { type Logger, silentLogger } from './logger.ts';
export * from './metadata/index.ts';
export {
  type PipelineSpec,
  type PipelineSpecInput,
  type PipelineStep,
  type PublishedSpec,
  type PublishedStep,
  parsePipelineSpec,
  parsePublishedSpec,
  pipelineSpecSchema,
} from './pipeline/pipeline-spec.ts';
export { type PublishedVersion, type PublishPipeline, publishPipeline } from './pipeline/publish-pipeline.ts';
export { getPublishedPipeline, type PublishedPipeline } from './pipeline/published-pipeline.ts';
export { findNotPlainJson, type NotPlainJson } from './plain-json.ts';
export type { Platform } from './platform.ts';
export type { ArtifactStore, Digest, StoredArtifact } from './ports/artifact-store.ts';
export type { ConsumeOptions, JobMessage, JobQueue } from './ports/job-queue.ts';
export type * from './ports/result-cache.ts';
export type { ResultsDatabases } from './ports/results-databases.ts';
export type * from './ports/task-runner.ts';
export { connectPostgres } from './postgres/connect-postgres.ts';
// Both databases.
export {
  type MigrateOptions,
  type MigrationState,
  type MigrationTrack,
  migrate,
  migrationSql,
  migrationState,
} from './postgres/migrate.ts';
export { type Page, type PageRequest, pageLimit, parseCursor, toPage } from './postgres/page.ts';
export { findSqlState, SQLSTATE } from './postgres/sqlstate.ts';
export { createInProcessQueue } from './queue/create-in-process-queue.ts';
export * from './results/index.ts';
export { type CompiledSchema, compileSchema } from './schema/compile-schema.ts';
export { findSubschema, type Subschema } from './schema/find-subschema.ts';
export type { JsonSchema } from './schema/json-schema.ts';
