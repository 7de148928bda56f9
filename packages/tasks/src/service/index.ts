export { OperationInvalidError, TaskServiceError, type TaskServiceErrorFacts } from '../errors.ts';
export { type KeepRegistered, keepRegistered } from './keep-registered.ts';
export {
  defineOperation,
  type Operation,
  type OperationContext,
  type OperationDefinition,
} from './operation/operation.ts';
export type { InstanceFacts, InstanceLoad, RegisteredInstance, ServiceRegistration } from './registration.ts';
export {
  type CloseListener,
  type CloseOptions,
  createTaskService,
  type ListenOptions,
  type OfferedOperation,
  type TaskService,
  type TaskServiceOptions,
} from './task-service.ts';
