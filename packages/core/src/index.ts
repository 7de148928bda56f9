// What a host wires together.

// Who may do what.
export { authorize, type Resource } from './access/authorize.ts';
export type { Caller } from './access/caller.ts';
export {
  GRANTABLE_PERMISSIONS,
  type GrantedPermission,
  type OwnablePermission,
  PERMISSIONS,
  type Permission,
  RULES,
  type Rule as AccessRule,
} from './access/rules.ts';
// Files.
export { type ArtifactReference, isArtifactReference } from './artifacts/artifact-reference.ts';
export {
  type ArtifactAddress,
  formatArtifactUri,
  formatMoleculeUri,
  parseArtifactUri,
  parseMoleculeUri,
} from './artifacts/artifact-uri.ts';
export {
  type ArtifactStoreOptions,
  createArtifactStore,
  type FileState,
} from './artifacts/create-artifact-store.ts';
export { createLocalArtifactStore } from './artifacts/create-local-artifact-store.ts';
export { readArtifactText } from './artifacts/read-artifact-text.ts';
// The audit trail.
export { type AuditedChange, auditDigest, recordAudit, recordOperatorAudit } from './audit/record-audit.ts';
export { type Clock, systemClock } from './clock.ts';
// Words and values.
export * from './errors.ts';
export {
  type AttemptFacts,
  type BatchFacts,
  type EndedAttemptFacts,
  EXECUTOR_POINTS,
  type ExecutorFacts,
  type ExecutorPoint,
  type JobFacts,
  type StepFacts,
  subscribeExecutor,
} from './executor/diagnostics.ts';
export { Executor, type ExecutorOptions, type ExecutorStatus, type RunningJobs } from './executor/executor.ts';
export { gather } from './executor/gather.ts';
export { isSuspicious } from './executor/is-suspicious.ts';
export { isInterruption } from './executor/job-ending.ts';
export type { KeepSchedules } from './executor/keep-schedules.ts';
export { isUuid, newId, type OrgId, SYSTEM_ORG_ID } from './ids.ts';
// What a platform does.
export { cancelJob } from './job/cancel-job.ts';
export { createMirror, type Mirror, type MirrorOptions } from './job/create-mirror.ts';
export type { ReconciledPlatform } from './job/findings/examined.ts';
export type { Finding, FindingKind } from './job/findings/finding.ts';
export { type FollowJob, followJob, type JobEvent } from './job/follow-job.ts';
export { type ForkJob, forkJob } from './job/fork-job.ts';
export { getPermittedJob } from './job/get-permitted-job.ts';
export { identifyJob } from './job/identify-job.ts';
export { type JobCache, parseJobCache } from './job/job-cache.ts';
export { type JobFailure, toJobFailure } from './job/job-failure.ts';
export {
  getJobResults,
  type JobArtifact,
  type JobPose,
  type JobResults,
  type JobTaskResult,
} from './job/job-results.ts';
export { isAwaited, isRepeatable, mayShare } from './job/may-share.ts';
export { type MirrorPlatform, mirrorJob, mirrorJobs } from './job/mirror-job.ts';
export type { SubmitJob } from './job/parse-submit-request.ts';
export { type Reconcile, type Reconciled, reconcile } from './job/reconcile.ts';
export { type RetryJob, retryJob } from './job/retry-job.ts';
export { type CreateSchedule, createSchedule } from './job/schedule/create-schedule.ts';
export { deleteSchedule } from './job/schedule/delete-schedule.ts';
export { listSchedules } from './job/schedule/list-schedules.ts';
export { findClockIssues, type ScheduleClock } from './job/schedule/next-tick.ts';
export {
  type RunDueSchedules,
  runDueSchedules,
  type ScheduleOwner,
  type ScheduleRun,
} from './job/schedule/run-due-schedules.ts';
export type { Schedule, ScheduledRequest } from './job/schedule/schedule.ts';
export { type UpdateSchedule, updateSchedule } from './job/schedule/update-schedule.ts';
export { isTerminal } from './job/states.ts';
export { submitJob } from './job/submit-job.ts';
export { type SubmitOutcome, submitJobs } from './job/submit-jobs.ts';
export type { SubmittedJob } from './job/submitted-job.ts';
export { traceJob } from './job/trace-job.ts';
export { type TracedRequest, traceRequest } from './job/trace-request.ts';
export {
  type PreparedStep,
  type RefusedStep,
  type SkippedInstance,
  type TracedJob,
  type TracedStep,
  type TraceSteps,
  traceSteps,
  type WaitingStep,
} from './job/trace-steps.ts';
export { type WaitForJob, waitForJob } from './job/wait-for-job.ts';
export { findByPointer, isJsonObject, type JsonObject, type JsonValue, parsePointer, sortedJson } from './json.ts';
export { type Logger, silentLogger } from './logger.ts';
export * from './metadata/index.ts';
export { listReferredInMetadata } from './metadata/list-referred-in-metadata.ts';
export type { Owner } from './metadata/owner.ts';
export { type BindingScope, bindRequest, findBound } from './pipeline/bindings.ts';
export { checkRequest, text as storableText } from './pipeline/catalogue/check-request.ts';
export { deleteDraftPipeline } from './pipeline/catalogue/delete-draft-pipeline.ts';
export {
  type DeprecatedVersion,
  type DeprecateVersion,
  deprecateVersion,
} from './pipeline/catalogue/deprecate-version.ts';
export { type GetVersion, getVersion } from './pipeline/catalogue/get-version.ts';
export { type CataloguePipeline, type ListCatalogue, listCatalogue } from './pipeline/catalogue/list-catalogue.ts';
export { type ListedVersion, type ListVersions, listVersions } from './pipeline/catalogue/list-versions.ts';
export { type SetVisibility, setVisibility } from './pipeline/catalogue/set-visibility.ts';
export type { UnprovenFlow } from './pipeline/check-data-flow.ts';
export { type Condition, isMet } from './pipeline/condition.ts';
export {
  type DefinedStep,
  type DefineStep,
  definePipeline,
  type ForEachStepOptions,
  type PipelineDraft,
  type PipelineGivens,
  type PipelineResults,
  type RequestOf,
  type SingleStepOptions,
} from './pipeline/define-pipeline.ts';
export { expandItems, type ForEach, type StepItem } from './pipeline/for-each.ts';
export { instanceName, parseInstanceName, type StepInstance } from './pipeline/instance-name.ts';
export {
  type PipelineSpec,
  type PipelineSpecInput,
  type PipelineStep,
  type PublishedSpec,
  type PublishedStep,
  parsePipelineSpec,
  parsePublishedSpec,
  pipelineSpecJsonSchema,
  pipelineSpecSchema,
} from './pipeline/pipeline-spec.ts';
export { type PublishedVersion, type PublishPipeline, publishPipeline } from './pipeline/publish-pipeline.ts';
export { getPublishedPipeline, type PublishedPipeline } from './pipeline/published-pipeline.ts';
export type { Reference, Source } from './pipeline/reference.ts';
export type { SchemaValue } from './pipeline/schema-value.ts';
export { createStepGraph, orderSteps, type StepGraph } from './pipeline/step-graph.ts';
export { type TaskType, taskOf } from './pipeline/task-type.ts';
export { deleteTemplate } from './pipeline/template/delete-template.ts';
export type { WantedTemplate } from './pipeline/template/find-template.ts';
export { getTemplate, type Template, type TemplateStepFacts } from './pipeline/template/get-template.ts';
export {
  type InstantiatedTemplate,
  type InstantiateTemplate,
  instantiateTemplate,
} from './pipeline/template/instantiate-template.ts';
export { type ListedTemplate, type ListTemplates, listTemplates } from './pipeline/template/list-templates.ts';
export { type PublishedTemplate, type PublishTemplate, publishTemplate } from './pipeline/template/publish-template.ts';
export { type ToTemplate, toTemplate } from './pipeline/template/to-template.ts';
export { type UpdateTemplate, updateTemplate } from './pipeline/template/update-template.ts';
export { findNotPlainJson, type NotPlainJson } from './plain-json.ts';
export type { Platform } from './platform.ts';
export type { ArtifactStore, Digest, FoundArtifact, StoredArtifact } from './ports/artifact-store.ts';
export type { ConsumeOptions, EnqueueOptions, JobMessage, JobQueue, QueueDepth } from './ports/job-queue.ts';
export type { JobQuotas, Quotas } from './ports/quotas.ts';
export type * from './ports/result-cache.ts';
export type { ResultsDatabases } from './ports/results-databases.ts';
export type * from './ports/signals.ts';
export type * from './ports/task-runner.ts';
export { connectPostgres } from './postgres/connect-postgres.ts';
// Both databases.
export {
  applyMigration,
  ledgerName,
  type MigrateOptions,
  type MigrationState,
  type MigrationTrack,
  migrate,
  migrationLock,
  migrationSql,
  migrationState,
} from './postgres/migrate.ts';
export { type Page, type PageRequest, pageLimit, parseCursor, toPage } from './postgres/page.ts';
export { prepared, type QueryClient, sendQuery } from './postgres/prepared-statements.ts';
export { findSqlState, SQLSTATE } from './postgres/sqlstate.ts';
export { createInProcessQueue } from './queue/create-in-process-queue.ts';
export type { QueueLimits } from './queue/queue-limits.ts';
export { Recent } from './recent.ts';
export * from './results/index.ts';
export { type CompiledSchema, compileSchema } from './schema/compile-schema.ts';
export { findSubschema, type Subschema } from './schema/find-subschema.ts';
export { type Fit, type FitIssue, type FitsOptions, fits } from './schema/fits.ts';
export type { JsonSchema } from './schema/json-schema.ts';
export { matchesPattern } from './schema/matches-pattern.ts';
export { createLocalSignals } from './signals/create-local-signals.ts';
export { createPostgresSignals, type PostgresSignalsOptions } from './signals/create-postgres-signals.ts';
export { EVERY } from './signals/every.ts';
export { signalsOf } from './signals/signals-of.ts';
