import { type JsonObject, type JsonValue, TaskFailedError } from '@mad/core';
import { z } from 'zod';
import { readJsonBody } from '../client/answer/read-json-body.ts';
import type { ServiceAnswer } from '../client/exchange/send-request.ts';
import { toMediaType } from '../openapi/api-operation.ts';

/** `422 application/json (NO_ATOMS)` */
export function describeAnswer(answer: ServiceAnswer): string {
  const { status, body, header } = answer;
  const type = toMediaType(header('content-type') ?? '') || 'no content type';
  const error = readErrorBody(answer);
  return `${status} ${body.byteLength === 0 ? 'without a body' : type}${error ? ` (${error.code})` : ''}`;
}

const errorSchema = z.object({
  error: z.object({ code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), message: z.string().min(1) }),
});

/** The `error` of a body `{"error": {"code": "NO_POSES", "message": "…"}}`; undefined where the body is anything else. */
export function readErrorBody(answer: ServiceAnswer): { readonly code: string; readonly message: string } | undefined {
  return errorSchema.safeParse(tryReadJson(answer)).data?.error;
}

/** Undefined where the body is no JSON that may be kept. */
export function tryReadJson(answer: ServiceAnswer): JsonValue | undefined {
  try {
    return readJsonBody(answer);
  } catch (error) {
    if (error instanceof TaskFailedError) return undefined;
    throw error;
  }
}

/** What kept a service from answering, in the words of a run. */
export function describeFailure({ failureCode, message, details }: TaskFailedError): string {
  if (failureCode === 'TIMEOUT' && typeof details.timeoutMs === 'number')
    return `no answer within ${details.timeoutMs / 1_000} s`;
  const { status } = details as JsonObject;
  return `${typeof status === 'number' ? `${status} ` : ''}${failureCode}: ${message}`;
}
