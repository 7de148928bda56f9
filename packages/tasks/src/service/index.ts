export { OperationInvalidError, TaskServiceError, type TaskServiceErrorFacts } from '../errors.ts';
export { defineOperation, type Operation, type OperationContext, type OperationDefinition } from './operation.ts';
export { createTaskService, type ListenOptions, type TaskService, type TaskServiceOptions } from './task-service.ts';
