export type { Credential, SecretRequest, SecretsResolver } from './client/exchange/authenticate.ts';
export {
  type CallOptions,
  type ClientAnswer,
  openServiceClient,
  type ServiceClient,
  type ServiceClientOptions,
} from './client/service-client.ts';
export { type DefinedTask, defineTask, type TaskRequest, type TaskResponse } from './client/typed/define-task.ts';
export { type TypedClient, typedClient } from './client/typed/typed-client.ts';
export type { TypedAnswer } from './client/typed/typed-operation.ts';
export { type CheckService, checkService } from './conformance/check-service.ts';
export type {
  ConformanceReport,
  RuleFacts,
  RuleLevel,
  RuleOutcome,
  Verdict,
} from './conformance/conformance-report.ts';
export { conformanceRules } from './conformance/conformance-rules.ts';
export { activateTask, deactivateTask } from './definition/activate-task.ts';
export { type CloneTask, cloneTask } from './definition/clone-task.ts';
export { type ExportTask, exportTask } from './definition/export-task.ts';
export { type ImportTask, importTask } from './definition/import-task.ts';
export type { NamedVersion } from './definition/own-version.ts';
export { type RegisterTask, registerTask } from './definition/register-task.ts';
export type { TaskBundle } from './definition/task-bundle.ts';
export {
  AddressNotAllowedError,
  CredentialMissingError,
  OperationInvalidError,
  OriginNotAllowedError,
  SecretsUnreachableError,
  ServiceUnreachableError,
  TaskDocumentInvalidError,
  TaskDocumentRefusedError,
  TaskRegistryUnreachableError,
  TaskServiceError,
  type TaskServiceErrorFacts,
  TaskVersionTakenError,
} from './errors.ts';
export { type DescribeForm, describeForm, type FormSource } from './form/describe-form.ts';
export type * from './form/form.ts';
export { deregisterTaskService } from './service-registry/deregister-task-service.ts';
export { drainTaskService, resumeTaskService } from './service-registry/drain-task-service.ts';
export { type HeartbeatTaskService, heartbeatTaskService } from './service-registry/heartbeat-task-service.ts';
export type { Quarantine } from './service-registry/instance-report.ts';
export { liftQuarantine } from './service-registry/lift-quarantine.ts';
export {
  type ListTaskServiceHealth,
  listTaskServiceHealth,
  type TaskServiceHealth,
} from './service-registry/list-task-service-health.ts';
export { type OpenServiceRegistration, openServiceRegistration } from './service-registry/open-service-registration.ts';
export type { RegisteredTaskService } from './service-registry/own-service.ts';
export { type RegisterTaskService, registerTaskService } from './service-registry/register-task-service.ts';
export { createTaskRunner, type ServiceTaskRunner, type TaskRunnerOptions } from './task-runner.ts';
