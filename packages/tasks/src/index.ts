export type { Credential, SecretRequest, SecretsResolver } from './client/authenticate.ts';
export {
  type CallOptions,
  type ClientAnswer,
  openServiceClient,
  type ServiceClient,
  type ServiceClientOptions,
} from './client/service-client.ts';
export { type RegisterTask, registerTask } from './definition/register-task.ts';
export {
  AddressNotAllowedError,
  CredentialMissingError,
  OperationInvalidError,
  OriginNotAllowedError,
  SecretsUnreachableError,
  TaskDocumentInvalidError,
  TaskDocumentRefusedError,
  TaskRegistryUnreachableError,
  TaskServiceError,
  type TaskServiceErrorFacts,
  TaskVersionTakenError,
} from './errors.ts';
export { type RegisterTaskService, registerTaskService } from './service-registry/register-task-service.ts';
export { createTaskRunner, type TaskRunnerOptions } from './task-runner.ts';
