import {
  type CompiledSchema,
  compileSchema,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  type ValidationIssue,
} from '@mad/core';
import { acceptReferences } from './file-places.ts';
import { listIgnoredPointers } from './ignored-pointers.ts';
import { findTaskOperations, type TaskOperations } from './task-operations.ts';

/** What a task's document asks of a request and promises of a response, ready to be held against both. */
export interface TaskInterface extends TaskOperations {
  readonly ignoredPointers: readonly string[];
  applyDefaults(request: JsonObject): JsonObject;
  /** Files may be artifact references, or text. */
  checkRequest(request: JsonObject): readonly ValidationIssue[];
  checkResponse(response: JsonValue): readonly ValidationIssue[];
}

/**
 * Reads a checked document once; each schema is compiled when it is first asked.
 * @throws {TaskDocumentInvalidError} when it has no operation that can be a task.
 */
export function createTaskInterface(document: JsonObject): TaskInterface {
  const operations = findTaskOperations(document);
  const request = compileOnce(acceptReferences(operations.requestSchema), 'request schema');
  const response = compileOnce(operations.responseSchema, 'response schema');
  return {
    ...operations,
    ignoredPointers: listIgnoredPointers(operations.requestSchema),
    applyDefaults: (value) => request().applyDefaults(value),
    checkRequest: (value) => request().check(value),
    checkResponse: (value) => response().check(value),
  };
}

function compileOnce(schema: JsonSchema, subject: string): () => CompiledSchema {
  let compiled: CompiledSchema | undefined;
  return () => {
    compiled ??= compileSchema(schema, { subject });
    return compiled;
  };
}
