import { OperationInvalidError, TaskServiceError } from '../../errors.ts';
import { isJsonMediaType, toMediaType } from '../../openapi/api-operation.ts';
import type { Operation } from '../operation/operation.ts';
import { MAX_KEY_LENGTH } from '../operation/operation-document.ts';
import type { IncomingCall } from './incoming-call.ts';
import { type BodyLimits, readBody } from './read-body.ts';
import { readForm } from './read-form.ts';

export interface ReadRequest {
  /** The same for the same request, however a form was cut. */
  readonly body: Buffer;
  readonly value: unknown;
  readonly idempotencyKey: string | undefined;
}

/**
 * What a call asks of an operation, from JSON or from a form.
 * @throws {TaskServiceError} 400, 408, 413 or 415. @throws {OperationInvalidError} when the host has read the body already.
 */
export async function readRequest(
  call: IncomingCall,
  { operation, ...limits }: BodyLimits & { readonly operation: Operation },
): Promise<ReadRequest> {
  const idempotencyKey = readIdempotencyKey(call);
  const { taskKey, formFields } = operation;
  const type = call.header('content-type') ?? '';
  const isForm = formFields !== undefined && toMediaType(type) === 'multipart/form-data';
  if (!isForm && !isJsonMediaType(type))
    throw unsupported(`expected content-type application/json${formFields ? ' or multipart/form-data' : ''}`);
  if ((call.header('content-encoding') ?? 'identity') !== 'identity')
    throw unsupported('expected a body without content-encoding');
  const body = call.body();
  if (!body)
    throw new OperationInvalidError({
      taskKey,
      reason: 'the host has read the body of its request; mount the service before whatever parses bodies',
    });
  const bytes = await readBody(body, { ...limits, call });
  if (!isForm) return { idempotencyKey, body: bytes, value: parseJson(bytes) };
  const value = await readForm(bytes, { contentType: type, fields: formFields });
  return { idempotencyKey, body: Buffer.from(JSON.stringify(value)), value };
}

/** Spaces are refused with the rest: two keys arrive as one with a space in it. */
function readIdempotencyKey(call: IncomingCall): string | undefined {
  const key = call.header('idempotency-key');
  if (key === undefined || (/^[\x21-\x7e]+$/.test(key) && key.length <= MAX_KEY_LENGTH)) return key;
  throw new TaskServiceError({
    code: 'INVALID_IDEMPOTENCY_KEY',
    message: `expected one Idempotency-Key of 1 to ${MAX_KEY_LENGTH} visible ASCII characters`,
    status: 400,
  });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TaskServiceError({ code: 'INVALID_JSON', message: 'the body is not JSON in UTF-8', status: 400, cause });
  }
}

function unsupported(message: string): TaskServiceError {
  return new TaskServiceError({ code: 'UNSUPPORTED_MEDIA_TYPE', message, status: 415 });
}
