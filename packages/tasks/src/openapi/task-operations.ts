import { findByPointer, isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { TaskDocumentInvalidError } from '../errors.ts';
import { dereference } from './dereference.ts';
import { toJsonSchema } from './to-json-schema.ts';

/** How a task is called: paths are relative to the URL of a service; `servers` of the document never matter. */
export interface TaskOperations {
  /** POST it with the request; it answers with the response, or accepts the work for later. */
  readonly executePath: string;
  /** Where accepted work is asked for, with `{execution_id}` in it. */
  readonly statusPath: string | undefined;
  /** True when DELETE on the status path cancels accepted work. */
  readonly cancellable: boolean;
  readonly requestSchema: JsonSchema;
  readonly responseSchema: JsonSchema;
}

interface FoundOperation {
  readonly path: string;
  readonly method: string;
  readonly operation: JsonObject;
}

/**
 * The operation that is the task: `operationId: execute`, else `POST /execute`, else the only POST; beside it the status operation
 * (`operationId: getExecution`, else `GET /executions/{execution_id}`).
 * @throws {TaskDocumentInvalidError} when there is none, or it does not take and give JSON objects.
 */
export function findTaskOperations(document: JsonObject): TaskOperations {
  const operations = listOperations(document);
  const execute = findExecute(operations);
  const at = `/paths/${toToken(execute.path)}/post`;
  if (execute.path.includes('{'))
    throw new TaskDocumentInvalidError({
      pointer: at,
      reason: 'the path of a task takes no parameters; put them into the request body',
    });
  const body = dereference(document, execute.operation.requestBody);
  const requestSchema = readJsonContent(document, body, `${at}/requestBody`);
  const responses = execute.operation.responses;
  const success = ['200', '201'].find((status) => isJsonObject(responses) && Object.hasOwn(responses, status));
  if (success === undefined)
    throw new TaskDocumentInvalidError({
      pointer: `${at}/responses`,
      reason: 'expected a response 200 with the schema of the result',
    });
  const response = dereference(document, findByPointer(responses, `/${success}`));
  const status = findStatus(operations);
  return {
    executePath: execute.path,
    statusPath: status?.path,
    cancellable: operations.some(({ path, method }) => method === 'delete' && path === status?.path),
    requestSchema,
    responseSchema: readJsonContent(document, response, `${at}/responses/${success}`),
  };
}

function findExecute(operations: readonly FoundOperation[]): FoundOperation {
  const posts = operations.filter(({ method }) => method === 'post');
  const named =
    posts.find(({ operation }) => operation.operationId === 'execute') ?? posts.find(({ path }) => path === '/execute');
  const found = named ?? (posts.length === 1 ? posts[0] : undefined);
  if (found) return found;
  const reason = `expected a POST operation with operationId execute, or POST /execute, or one POST only; found ${posts.length} POST operations`;
  throw new TaskDocumentInvalidError({ pointer: '/paths', reason });
}

function findStatus(operations: readonly FoundOperation[]): FoundOperation | undefined {
  const gets = operations.filter(({ method, path }) => method === 'get' && path.includes('{execution_id}'));
  return (
    gets.find(({ operation }) => operation.operationId === 'getExecution') ??
    gets.find(({ path }) => path === '/executions/{execution_id}')
  );
}

function listOperations(document: JsonObject): FoundOperation[] {
  const paths = isJsonObject(document.paths) ? document.paths : {};
  return Object.entries(paths).flatMap(([path, item]) =>
    ['get', 'post', 'delete'].flatMap((method) => {
      const operation = dereference(document, item)?.[method];
      return isJsonObject(operation) ? [{ path, method, operation }] : [];
    }),
  );
}

function readJsonContent(document: JsonObject, holder: JsonObject | undefined, pointer: string): JsonSchema {
  const content = isJsonObject(holder?.content) ? holder.content : {};
  const name = Object.keys(content).find(isJsonMediaType);
  const media = name === undefined ? undefined : dereference(document, content[name]);
  if (media?.schema === undefined)
    throw new TaskDocumentInvalidError({ pointer, reason: 'expected content of application/json with a schema' });
  const schema = toJsonSchema(document, media.schema);
  if (!takesObjects(schema))
    throw new TaskDocumentInvalidError({
      pointer,
      reason: 'the body of a task is a JSON object; wrap the value into a property',
    });
  return schema;
}

/** True for `application/json` and every `…+json`, parameters aside. */
export function isJsonMediaType(mediaType: string): boolean {
  return /^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(mediaType);
}

function takesObjects(schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return schema;
  const type: JsonValue | undefined = schema.type;
  return type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));
}

const toToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');
