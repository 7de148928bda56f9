import { type TaskType, taskOf } from '@mad/core';
import { openServiceClient, type ServiceClient, type ServiceClientOptions } from '../service-client.ts';
import { type TypedClient, typedClient } from './typed-client.ts';
import type { OperationAt, OperationName, RequestOf, ResponseOf } from './typed-operation.ts';

/** The request of a task: `TaskRequest<paths, 'post /dock'>`. Files are artifact references or text. */
export type TaskRequest<Paths, Name extends OperationName<Paths, object>> = RequestOf<OperationAt<Paths, object, Name>>;

/** What a task results in, as jobs and pipelines have it: `TaskResponse<paths, 'post /dock'>`. Files are artifact references. */
export type TaskResponse<Paths, Name extends OperationName<Paths, object>> = ResponseOf<
  OperationAt<Paths, object, Name>
>;

/** A document as the compiler knows it. */
export interface DefinedTask<Paths, Operations> {
  /** As `openServiceClient`. */
  openClient(options: ServiceClientOptions): Promise<TypedClient<Paths, Operations>>;
  /** The same over a client that there is. */
  typed(client: ServiceClient): TypedClient<Paths, Operations>;
  /** The task, `dock@^1.0`, for a pipeline: its request and response are those of an operation, `post /dock`. */
  type<Name extends OperationName<Paths, Operations>>(
    task: string,
    operation: Name,
  ): TaskType<
    Whole<RequestOf<OperationAt<Paths, Operations, Name>>>,
    Whole<ResponseOf<OperationAt<Paths, Operations, Name>>>
  >;
}

type Whole<T> = T extends object ? T : never;

/** Takes the types that `npx openapi-typescript` writes of a document: `defineTask<paths>()`, or `defineTask<paths, operations>()` to name operations by their ids. */
export function defineTask<Paths, Operations = object>(): DefinedTask<Paths, Operations> {
  return {
    openClient: async (options) => typedClient<Paths, Operations>(await openServiceClient(options)),
    typed: (client) => typedClient<Paths, Operations>(client),
    type: (task) => taskOf(task),
  };
}
