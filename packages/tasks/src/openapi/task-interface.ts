import { compileSchema, type JsonObject, type JsonSchema, type JsonValue, type ValidationIssue } from '@mad/core';
import type { ApiOperation } from './api-operation.ts';
import { type CacheMarks, readAnswerMarks, readCacheMarks } from './cache-marks.ts';
import type { ExecutionContract } from './execution-contract.ts';
import { acceptReferences } from './file-places.ts';
import { createOperationInterface, type OperationInterface } from './operation-interface.ts';
import { findTaskOperations } from './task-operations.ts';

/** What a task's document asks of a request and promises of a response, ready to be held against both. */
export interface TaskInterface
  extends Pick<OperationInterface, 'requestSchema' | 'applyDefaults' | 'checkRequest'>,
    CacheMarks {
  readonly execute: OperationInterface;
  readonly execution: ExecutionInterface;
  /** JSON Pointers into the answer. */
  readonly ignoredAnswerPointers: readonly string[];
  /** Of a JSON object: a body that is something else stands in it as `body`. */
  readonly responseSchema: JsonSchema;
  readonly isResponseWhole: boolean;
  /** As declared; undefined where the response has no body. */
  readonly responseType: string | undefined;
  /** Files may be artifact references, or text. */
  checkResponse(response: JsonValue): readonly ValidationIssue[];
}

/** The contract of accepted work, its operations ready to be called. */
export interface ExecutionInterface extends Omit<ExecutionContract, 'status' | 'resultOperation' | 'cancel'> {
  readonly status: OperationInterface | undefined;
  readonly resultOperation: OperationInterface | undefined;
  readonly cancel: OperationInterface | undefined;
}

/**
 * Reads a checked document once; each schema is compiled when it is first asked.
 * @throws {TaskDocumentInvalidError} when it has no operation that can be a task, or a mark for the cache that means nothing.
 */
export function createTaskInterface(document: JsonObject): TaskInterface {
  const { execute: operation, execution, ...operations } = findTaskOperations(document);
  const open = (one: ApiOperation | undefined) => one && createOperationInterface(document, one);
  const execute = createOperationInterface(document, operation);
  const { requestSchema, applyDefaults, checkRequest } = execute;
  let response: ReturnType<typeof compileSchema> | undefined;
  return {
    ...operations,
    ...{ execute, requestSchema, applyDefaults, checkRequest },
    execution: {
      ...execution,
      status: open(execution.status),
      resultOperation: open(execution.resultOperation),
      cancel: open(execution.cancel),
    },
    ...readCacheMarks(requestSchema),
    ignoredAnswerPointers: readAnswerMarks(operations.responseSchema),
    checkResponse(value) {
      response ??= compileSchema(acceptReferences(operations.responseSchema), { subject: 'response schema' });
      return response.check(value);
    },
  };
}
