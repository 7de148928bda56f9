import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { z } from 'zod';
import { readFormFields } from './form-fields.ts';

/** Of an Idempotency-Key. */
export const MAX_KEY_LENGTH = 255;

export interface DocumentedOperation {
  readonly taskKey: string;
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly determinism: string;
  readonly producer?: string | undefined;
  readonly category?: string | undefined;
  readonly request: z.ZodType;
  readonly response: z.ZodType;
  readonly longRunning: boolean;
  readonly errors?: Readonly<Record<string, string>> | undefined;
}

/** The OpenAPI 3.1 document of one operation, valid by the specification and complete for `registerTask`. */
export function createOperationDocument(operation: DocumentedOperation): JsonObject {
  const { taskKey, version, title, description, determinism, producer, category, longRunning } = operation;
  const schemas = {
    ...namedSchemas('Request', z.toJSONSchema(operation.request, { io: 'input', target: 'draft-2020-12' })),
    ...namedSchemas('Response', z.toJSONSchema(operation.response, { io: 'output', target: 'draft-2020-12' })),
    Error: errorSchema(),
    ...(longRunning ? { Execution: executionSchema() } : {}),
  };
  const components = { schemas };
  return {
    openapi: '3.1.0',
    info: {
      title,
      description,
      version,
      'x-mad': {
        taskKey,
        determinism,
        ...(producer === undefined ? {} : { producer }),
        ...(category === undefined ? {} : { category }),
      },
    },
    paths: {
      '/execute': { post: executeOperation(operation, { takesForms: readFormFields({ components }) !== undefined }) },
      ...(longRunning ? { '/executions/{execution_id}': executionPath() } : {}),
    },
    components,
  };
}

function executeOperation(
  { title, longRunning, errors = {} }: DocumentedOperation,
  { takesForms }: { readonly takesForms: boolean },
): JsonObject {
  const codes = Object.entries(errors).map(([code, meaning]) => `- \`${code}\`: ${meaning}`);
  return {
    operationId: 'execute',
    summary: title,
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'The same key with the same request joins or repeats the answer of the execution it began.',
        schema: { type: 'string', maxLength: MAX_KEY_LENGTH },
      },
    ],
    requestBody: {
      required: true,
      content: {
        ...json('Request'),
        ...(takesForms ? { 'multipart/form-data': { schema: { $ref: '#/components/schemas/Request' } } } : {}),
      },
    },
    responses: {
      200: {
        description: longRunning
          ? 'The result of an execution that has ended under the same Idempotency-Key.'
          : 'The result.',
        content: json('Response'),
      },
      ...(longRunning
        ? {
            202: {
              description: 'Accepted; ask at Location.',
              headers: { Location: { schema: { type: 'string' } }, 'Retry-After': { schema: { type: 'integer' } } },
              content: json('Execution'),
            },
          }
        : {}),
      422: { description: ['The request cannot succeed.', ...codes].join('\n'), content: json('Error') },
      503: { description: 'Busy or stopping; ask again after Retry-After.', content: json('Error') },
      default: { description: 'Any other failure.', content: json('Error') },
    },
  };
}

function executionPath(): JsonObject {
  const responses = {
    200: { description: 'The state of the execution.', content: json('Execution') },
    404: { description: 'No such execution, or it ended too long ago.', content: json('Error') },
  };
  return {
    parameters: [{ name: 'execution_id', in: 'path', required: true, schema: { type: 'string' } }],
    get: {
      operationId: 'getExecution',
      summary: 'State, progress and result; with `Prefer: wait=<seconds>` answered when something changes',
      responses,
    },
    delete: { operationId: 'cancelExecution', summary: 'Cancels the execution if it has not ended', responses },
  };
}

/** A JSON Schema made by zod as components of the document: what it keeps under `$defs` becomes components beside it. */
function namedSchemas(name: string, schema: object): JsonObject {
  const { $schema: _, $defs, ...root } = JSON.parse(JSON.stringify(schema)) as JsonObject;
  const inner = isJsonObject($defs) ? Object.entries($defs) : [];
  const renamed = (value: JsonValue | undefined): JsonValue => moveReferences(value ?? {}, name);
  return {
    [name]: renamed(root),
    ...Object.fromEntries(inner.map(([key, value]) => [`${name}.${key}`, renamed(value)])),
  };
}

function moveReferences(value: JsonValue, name: string): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => moveReferences(item, name));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(isSaid)
      .map(([key, member]) => {
        if (key !== '$ref' || typeof member !== 'string') return [key, moveReferences(member ?? null, name)];
        const target = member === '#' ? name : member.replace(/^#\/\$defs\//, `${name}.`);
        return [key, `#/components/schemas/${target}`];
      }),
  );
}

/** zod bounds every integer by what a double holds; said, it would keep integers without bounds from fitting. */
const isSaid = ([key, member]: [string, JsonValue | undefined]): boolean =>
  !(key === 'maximum' && member === Number.MAX_SAFE_INTEGER) &&
  !(key === 'minimum' && member === Number.MIN_SAFE_INTEGER);

function errorSchema(): JsonObject {
  return {
    type: 'object',
    properties: { error: errorBody() },
    required: ['error'],
  };
}

function errorBody(): JsonObject {
  return {
    type: 'object',
    properties: {
      code: { type: 'string', examples: ['VALIDATION_FAILED'] },
      message: { type: 'string' },
      retryable: { type: 'boolean', description: 'True when the same request may succeed later.' },
      details: { type: 'object' },
    },
    required: ['code', 'message'],
  };
}

function executionSchema(): JsonObject {
  return {
    type: 'object',
    properties: {
      execution_id: { type: 'string' },
      status: { enum: ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'] },
      progress: { type: 'number', minimum: 0, maximum: 1 },
      result: { $ref: '#/components/schemas/Response' },
      error: errorBody(),
    },
    required: ['execution_id', 'status'],
  };
}

const json = (name: string): JsonObject => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});
