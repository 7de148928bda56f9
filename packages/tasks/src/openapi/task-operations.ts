import { findByPointer, type JsonObject, type JsonSchema } from '@mad/core';
import { TaskDocumentInvalidError } from '../errors.ts';
import { type ApiContent, type ApiOperation, isJsonMediaType, listApiOperations } from './api-operation.ts';
import { type ExecutionContract, findResultContent, readExecutionContract } from './execution-contract.ts';
import { findOperation } from './find-operation.ts';
import { findSuccess } from './find-success.ts';
import { bodySchemaOf } from './operation-interface.ts';
import { takesObjects } from './takes-objects.ts';
import { toJsonSchema } from './to-json-schema.ts';

/** How a task is called: paths are relative to the URL of a service; `servers` of the document never matter. */
export interface TaskOperations {
  /** It is sent the request, and answers with the response or accepts the work for later. */
  readonly execute: ApiOperation;
  /** How accepted work is asked for. */
  readonly execution: ExecutionContract;
  /** The response as a JSON object: one that is JSON and an object as it is, any other body as `body`. */
  readonly responseSchema: JsonSchema;
  readonly isResponseWhole: boolean;
  /** As declared; undefined where the response has no body. */
  readonly responseType: string | undefined;
}

/**
 * The operation that is the task: the one that `info.x-mad.operation` names, by its operationId or as `post /dock`; else
 * `operationId: execute`, else `POST /execute`, else the only POST, else the only operation; and beside it those that tell of accepted work.
 * @throws {TaskDocumentInvalidError} when there is none, or it declares no success.
 */
export function findTaskOperations(document: JsonObject): TaskOperations {
  const operations = listApiOperations(document);
  const execute = findExecute(document, operations);
  const execution = readExecutionContract(document, operations);
  const content = execution.isDeclared ? findResultContent(document, execution) : findSuccess(execute).content;
  return { execute, execution, ...toResponse(document, content) };
}

function findExecute(document: JsonObject, operations: readonly ApiOperation[]): ApiOperation {
  const name = findByPointer(document, '/info/x-mad/operation');
  if (typeof name === 'string') return findOperation(operations, { name, pointer: '/info/x-mad/operation' });
  const posts = operations.filter(({ method }) => method === 'post');
  const found =
    posts.find(({ id }) => id === 'execute') ??
    posts.find(({ path }) => path === '/execute') ??
    (posts.length === 1 ? posts[0] : undefined) ??
    (operations.length === 1 ? operations[0] : undefined);
  if (found) return found;
  const reason = `expected info.x-mad.operation to say which of ${operations.length} operations is the task, or one with operationId execute, or one POST only`;
  throw new TaskDocumentInvalidError({ pointer: '/paths', reason });
}

type TaskResponse = Pick<TaskOperations, 'responseSchema' | 'isResponseWhole' | 'responseType'>;

function toResponse(document: JsonObject, content: ApiContent | undefined): TaskResponse {
  if (!content)
    return {
      responseSchema: { type: 'object', additionalProperties: false },
      isResponseWhole: false,
      responseType: undefined,
    };
  const schema = toJsonSchema(document, bodySchemaOf(content, 'answer'), 'answer');
  if (isJsonMediaType(content.mediaType) && takesObjects(schema))
    return { responseSchema: schema, isResponseWhole: true, responseType: content.mediaType };
  const wrapped = { type: 'object', properties: { body: bodySchemaOf(content, 'answer') }, required: ['body'] };
  return {
    responseSchema: toJsonSchema(document, wrapped, 'answer'),
    isResponseWhole: false,
    responseType: content.mediaType,
  };
}
