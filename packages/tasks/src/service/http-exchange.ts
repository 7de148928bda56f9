import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '@mad/core';
import { TaskServiceError } from '../errors.ts';
import { isJsonMediaType } from '../openapi/api-operation.ts';
import { errorBody } from './execution.ts';

/** The whole body of a request and the JSON value in it. @throws {TaskServiceError} 413, 415 or 400. */
export async function readJsonRequest(
  request: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly body: Buffer; readonly value: unknown }> {
  if (!isJsonMediaType(request.headers['content-type'] ?? '')) {
    throw new TaskServiceError({
      code: 'UNSUPPORTED_MEDIA_TYPE',
      message: 'expected content-type application/json',
      status: 415,
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early must not destroy the request: its connection still carries the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).byteLength;
    if (bytes > maxBytes) break;
    chunks.push(chunk as Buffer);
  }
  if (bytes > maxBytes) {
    request.resume();
    throw new TaskServiceError({
      code: 'PAYLOAD_TOO_LARGE',
      message: `the body may have at most ${maxBytes} bytes`,
      status: 413,
    });
  }
  const body = Buffer.concat(chunks);
  try {
    return { body, value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown };
  } catch (cause) {
    throw new TaskServiceError({ code: 'INVALID_JSON', message: 'the body is not JSON in UTF-8', status: 400, cause });
  }
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function sendJson(response: ServerResponse, { status, body, headers = {} }: JsonAnswer): void {
  if (response.destroyed || response.headersSent) return;
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.byteLength, ...headers });
  response.end(bytes);
}

/** Answers with the error's own status; 503 and 429 say when to come again, and a body too large to read ends the connection. */
export function sendError(
  response: ServerResponse,
  error: TaskServiceError,
  headers: Readonly<Record<string, string>> = {},
): void {
  const { status } = error;
  const more = {
    ...(status === 503 || status === 429 ? { 'retry-after': '1' } : {}),
    ...(status === 413 ? { connection: 'close' } : {}),
  };
  sendJson(response, { status, body: { error: errorBody(error) }, headers: { ...more, ...headers } });
}
