export { type RegisterTask, registerTask } from './definition/register-task.ts';
export {
  OperationInvalidError,
  OriginNotAllowedError,
  TaskDocumentInvalidError,
  TaskDocumentRefusedError,
  TaskRegistryUnreachableError,
  TaskServiceError,
  type TaskServiceErrorFacts,
  TaskVersionTakenError,
} from './errors.ts';
export { type RegisterTaskService, registerTaskService } from './service-registry/register-task-service.ts';
export { createTaskRunner, type TaskRunnerOptions } from './task-runner.ts';
