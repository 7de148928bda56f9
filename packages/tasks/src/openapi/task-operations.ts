import { isJsonObject, type JsonObject, type JsonSchema } from '@mad/core';
import { TaskDocumentInvalidError } from '../errors.ts';
import { type ApiContent, type ApiOperation, isJsonMediaType, listApiOperations } from './api-operation.ts';
import { bodySchemaOf } from './operation-interface.ts';
import { takesObjects } from './takes-objects.ts';
import { toJsonSchema } from './to-json-schema.ts';

/** How a task is called: paths are relative to the URL of a service; `servers` of the document never matter. */
export interface TaskOperations {
  /** It is sent the request, and answers with the response or accepts the work for later. */
  readonly execute: ApiOperation;
  /** Where accepted work is asked for, with `{execution_id}` in it. */
  readonly statusPath: string | undefined;
  /** True when DELETE on the status path cancels accepted work. */
  readonly cancellable: boolean;
  /** The response as a JSON object: one that is JSON and an object as it is, any other body as `body`. */
  readonly responseSchema: JsonSchema;
  readonly isResponseWhole: boolean;
  /** As declared; undefined where the response has no body. */
  readonly responseType: string | undefined;
}

/**
 * The operation that is the task: the one that `named` or `info.x-mad.operation` says, by its operationId or as `post /dock`; else
 * `operationId: execute`, else `POST /execute`, else the only POST, else the only operation; beside it the status operation
 * (`operationId: getExecution`, else `GET /executions/{execution_id}`).
 * @throws {TaskDocumentInvalidError} when there is none, or it declares no success.
 */
export function findTaskOperations(document: JsonObject): TaskOperations {
  const operations = listApiOperations(document);
  const execute = findExecute(document, operations);
  const status = findStatus(operations);
  return {
    execute,
    statusPath: status?.path,
    cancellable: operations.some(({ path, method }) => method === 'delete' && path === status?.path),
    ...readResponse(document, execute),
  };
}

function findExecute(document: JsonObject, operations: readonly ApiOperation[]): ApiOperation {
  const extension = isJsonObject(document.info) ? document.info['x-mad'] : undefined;
  const named = isJsonObject(extension) ? extension.operation : undefined;
  if (typeof named === 'string') {
    const found = operations.find(
      ({ id, method, path }) => id === named || `${method} ${path}` === named.toLowerCase(),
    );
    if (found) return found;
    const reason = `there is no operation ${named.slice(0, 100)}; name one by its operationId, or as "post /dock"`;
    throw new TaskDocumentInvalidError({ pointer: '/info/x-mad/operation', reason });
  }
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

function findStatus(operations: readonly ApiOperation[]): ApiOperation | undefined {
  const gets = operations.filter(({ method, path }) => method === 'get' && path.includes('{execution_id}'));
  return gets.find(({ id }) => id === 'getExecution') ?? gets.find(({ path }) => path === '/executions/{execution_id}');
}

type TaskResponse = Pick<TaskOperations, 'responseSchema' | 'isResponseWhole' | 'responseType'>;

function readResponse(document: JsonObject, { answers, pointer }: ApiOperation): TaskResponse {
  const isResult = ({ status }: ApiOperation['answers'][number]) => /^2(?:\d\d|XX)$/.test(status) && status !== '202';
  const success = answers.find(isResult) ?? answers.find(({ status }) => status === 'default');
  if (success === undefined)
    throw new TaskDocumentInvalidError({
      pointer: `${pointer}/responses`,
      reason: 'expected a response 200 with the schema of the result',
    });
  const content = success.contents.find(({ mediaType }) => isJsonMediaType(mediaType)) ?? success.contents[0];
  if (!content)
    return {
      responseSchema: { type: 'object', additionalProperties: false },
      isResponseWhole: false,
      responseType: undefined,
    };
  return toResponse(document, content);
}

function toResponse(document: JsonObject, content: ApiContent): TaskResponse {
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
