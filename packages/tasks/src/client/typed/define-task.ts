import { type TaskType, taskOf } from '@mad/core';
import { openServiceClient, type ServiceClient, type ServiceClientOptions } from '../service-client.ts';
import { type TypedClient, typedClient } from './typed-client.ts';
import type { OperationAt, OperationName, RequestOf, ResponseOf } from './typed-operation.ts';

/** The request of a task: `TaskRequest<paths, 'post /dock'>`. Files are artifact references or text. */
export type TaskRequest<Paths, Name extends OperationName<Paths, object>> = RequestOf<OperationAt<Paths, object, Name>>;

/**
 * What a task results in, as jobs and pipelines have it: `TaskResponse<paths, 'post /dock'>`. Files are artifact references. Of work that takes long
 * it is part of what another operation answers: `TaskResponse<paths, 'get /folds/{id}', '/result'>`.
 */
export type TaskResponse<Paths, Name extends OperationName<Paths, object>, At extends string = ''> = ResponseOf<
  OperationAt<Paths, object, Name>,
  At
>;

/** Where the result of accepted work stands, as `execution` in the document's `x-mad` says it. */
export interface ResultPlace<Name, At> {
  /** The status operation, or the one that gives the result. */
  readonly in: Name;
  /** JSON Pointer into its answer: `/result`; `''` for all of it. */
  readonly at: At;
}

/** A document as the compiler knows it. */
export interface DefinedTask<Paths, Operations> {
  /** As `openServiceClient`. */
  openClient(options: ServiceClientOptions): Promise<TypedClient<Paths, Operations>>;
  /** The same over a client that there is. */
  typed(client: ServiceClient): TypedClient<Paths, Operations>;
  /**
   * The task, `dock@^1.0`, for a pipeline: its request and response are those of an operation, `post /dock`. A service that takes the work over tells
   * its result elsewhere: `type('fold@^1', 'startFold', { in: 'getFold', at: '/result' })`.
   */
  type<
    Name extends OperationName<Paths, Operations>,
    In extends OperationName<Paths, Operations> = Name,
    const At extends string = '',
  >(
    task: string,
    operation: Name,
    result?: ResultPlace<In, At & Declared<ResponseOf<OperationAt<Paths, Operations, In>, At>>>,
  ): TaskType<
    Whole<RequestOf<OperationAt<Paths, Operations, Name>>>,
    Whole<ResponseOf<OperationAt<Paths, Operations, In>, At>>
  >;
}

type Whole<T> = T extends object ? T : never;

/** Nothing fits where there is no such place. */
type Declared<Response> = [Response] extends [never] ? never : unknown;

/** Takes the types that `npx openapi-typescript` writes of a document: `defineTask<paths>()`, or `defineTask<paths, operations>()` to name operations by their ids. */
export function defineTask<Paths, Operations = object>(): DefinedTask<Paths, Operations> {
  return {
    openClient: async (options) => typedClient<Paths, Operations>(await openServiceClient(options)),
    typed: (client) => typedClient<Paths, Operations>(client),
    type: (task) => taskOf(task),
  };
}
