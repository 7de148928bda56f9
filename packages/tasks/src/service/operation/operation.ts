import type { Determinism, JsonObject, JsonValue, Logger, ValidationIssue } from '@mad/core';
import type { z } from 'zod';
import { findUnstorable } from '../../client/answer/find-unstorable.ts';
import { readTaskDeclaration } from '../../definition/task-declaration.ts';
import { OperationInvalidError, TaskServiceError } from '../../errors.ts';
import { type FormField, readFormFields } from './form-fields.ts';
import { createOperationDocument } from './operation-document.ts';

const MAX_ISSUES = 50;
const MAX_MESSAGE = 200;

/** What a handler is given beside its request. */
export interface OperationContext {
  /** Aborts when nobody waits any more, the caller cancels, or the service is closed. The handler must stop and may throw anything. */
  readonly signal: AbortSignal;
  /** Tells how much is done, 0..1. Callers see it for operations that are `longRunning`. */
  readonly progress: (fraction: number) => void;
  readonly logger: Logger;
}

export interface OperationDefinition<Request extends z.ZodObject, Response extends z.ZodObject> {
  readonly taskKey: string;
  /** Semantic version of the interface and of the program behind it. */
  readonly version: string;
  readonly title: string;
  readonly description: string;
  /** How far the same request gives the same response; decides what may be served from a cache. */
  readonly determinism: Determinism;
  /** Name and version of the program that computes, such as `AutoDock Vina 1.2.3`; part of cache keys. */
  readonly producer?: string | undefined;
  readonly category?: string | undefined;
  /**
   * An unknown property is refused, unless the schema says otherwise (`z.looseObject`). `.meta({ contentMediaType: 'chemical/x-pdb' })` on a
   * string makes it a file, `.meta({ 'x-mad-cache': 'ignore' })` keeps a property out of cache keys.
   */
  readonly request: Request;
  readonly response: Response;
  readonly run: (
    request: z.output<Request>,
    context: OperationContext,
  ) => Promise<z.input<Response>> | z.input<Response>;
  /** Answered with 202 and asked for later; for work of more than a few seconds. @default false */
  readonly longRunning?: boolean | undefined;
  /** Executions that run at once; others wait. @default that of the service */
  readonly concurrency?: number | undefined;
  /** The codes of the domain that `run` throws as TaskServiceError, with what each means; for the document. */
  readonly errors?: Readonly<Record<string, string>> | undefined;
}

/** An operation ready to be served; made by `defineOperation`. */
export interface Operation {
  readonly taskKey: string;
  readonly longRunning: boolean;
  readonly concurrency: number | undefined;
  /** The OpenAPI 3.1 document, with paths relative to the operation's own address. */
  readonly document: JsonObject;
  /** The fields of its request as `multipart/form-data`; undefined where none is a file: then it takes JSON only. */
  readonly formFields: ReadonlyMap<string, FormField> | undefined;
  /** @throws {TaskServiceError} VALIDATION_FAILED, with each place as a JSON Pointer. */
  parseRequest(body: unknown): unknown;
  /** Runs the handler on a parsed request and holds its response against the schema. @throws whatever the handler throws */
  run(request: unknown, context: OperationContext): Promise<JsonObject>;
}

/**
 * Declares one operation of a service: its handler between two schemas, from which its OpenAPI document is made.
 * @throws {OperationInvalidError} when a schema cannot be told in JSON Schema, or the key or version is not one.
 */
export function defineOperation<Request extends z.ZodObject, Response extends z.ZodObject>(
  definition: OperationDefinition<Request, Response>,
): Operation {
  const { taskKey, response, longRunning = false, concurrency } = definition;
  const request = definition.request.def.catchall === undefined ? definition.request.strict() : definition.request;
  const document = createDocument({ ...definition, request, longRunning });
  return {
    ...{ taskKey, longRunning, concurrency, document },
    formFields: readFormFields(document),
    parseRequest(body) {
      // Before zod, which walks it to its bottom and copies its keys.
      const fault = findUnstorable(body as JsonValue, { allowNul: true });
      if (fault) throw validationFailed([fault]);
      const parsed = request.safeParse(body);
      if (parsed.success) return parsed.data;
      throw validationFailed(
        parsed.error.issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({ pointer: toPointer(path), message })),
      );
    },
    async run(parsed, context) {
      const result = response.safeParse(await definition.run(parsed as z.output<Request>, context));
      if (result.success) return result.data as JsonObject;
      throw new OperationInvalidError({
        taskKey,
        reason: 'its handler returned what its response schema does not allow',
        cause: result.error,
      });
    },
  };
}

function validationFailed(issues: readonly ValidationIssue[]): TaskServiceError {
  const bounded = issues.map(({ pointer, message }) => ({
    pointer,
    message: message.slice(0, MAX_MESSAGE).toWellFormed(),
  }));
  const shown = bounded.slice(0, 3).map(({ pointer, message }) => `${pointer || '(root)'}: ${message}`);
  return new TaskServiceError({
    code: 'VALIDATION_FAILED',
    message: `the request is not valid: ${shown.join('; ')}`,
    details: { issues: bounded },
  });
}

/** Keys of a request may be of any length. */
function toPointer(path: readonly PropertyKey[]): string {
  const tokens = path.map((token) => String(token).replaceAll('~', '~0').replaceAll('/', '~1'));
  return tokens.map((token) => `/${token.slice(0, 80).toWellFormed()}`).join('');
}

function createDocument(definition: Parameters<typeof createOperationDocument>[0]): JsonObject {
  try {
    const document = createOperationDocument(definition);
    readTaskDeclaration(document);
    return document;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperationInvalidError({ taskKey: definition.taskKey, reason, cause });
  }
}
