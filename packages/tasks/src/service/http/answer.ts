import type { JsonObject } from '@mad/core';
import type { TaskServiceError } from '../../errors.ts';
import { errorBody } from '../execution/execution.ts';

/** What is answered to an incoming call, whichever server sends it. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** True when the connection is of no more use: what is left of the request will not be read. */
  readonly closes: boolean;
}

export interface JsonAnswer {
  readonly status: number;
  /** An object, or JSON text in UTF-8. */
  readonly body: JsonObject | Buffer;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function answerJson({ status, body, headers = {} }: JsonAnswer): Answer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return {
    status,
    headers: { 'content-type': 'application/json', 'content-length': String(bytes.byteLength), ...headers },
    body: bytes,
    closes: false,
  };
}

export interface ErrorFacts {
  /** Whole seconds after which 503 and 429 ask to come again. @default 1 */
  readonly retryAfterS?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The error under its own status; a body that was too large or too slow to be read ends the connection. */
export function answerError(error: TaskServiceError, { retryAfterS = 1, headers = {} }: ErrorFacts = {}): Answer {
  const { status } = error;
  const retryAfter = status === 503 || status === 429 ? { 'retry-after': String(retryAfterS) } : {};
  const answer = answerJson({ status, body: { error: errorBody(error) }, headers: { ...retryAfter, ...headers } });
  return { ...answer, closes: status === 413 || status === 408 };
}
