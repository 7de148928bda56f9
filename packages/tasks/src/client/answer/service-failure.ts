import { isJsonObject, type JsonObject, type JsonValue, TaskFailedError } from '@mad/core';
import { isRetryableStatus } from '../../errors.ts';
import type { ServiceAnswer } from '../exchange/send-request.ts';
import { contractViolation, readJsonBody } from './read-json-body.ts';

const MAX_MESSAGE = 500;
const MAX_DETAILS = 8_192;
/** A day; far beyond it a timer would overflow and fire at once. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/** What a non-success answer means: the domain's code from its body `{error: {code, message, details?}}`, retryable by its status alone. */
export function failureOfAnswer(answer: ServiceAnswer): TaskFailedError {
  const { status } = answer;
  if (status >= 300 && status < 400)
    return contractViolation(
      `answered ${status}, a redirect, which is never followed; register the address it leads to`,
    );
  const declared = readDeclaredError(answer);
  const retryAfterMs = readRetryAfterMs(answer);
  return new TaskFailedError({
    failureCode: declared?.code ?? codeOfStatus(status),
    message: declared?.message ?? `the service answered ${status}`,
    retryable: isRetryableStatus(status),
    details: { ...declared?.details, status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  });
}

/** What the `error` of a FAILED execution means. The service may say itself whether to try again; without a word it is not tried again. */
export function failureOfExecution(error: JsonValue | undefined): TaskFailedError {
  const declared = readErrorBody(error);
  const said = readable(isJsonObject(error) ? error.message : error);
  return new TaskFailedError({
    failureCode: declared?.code ?? 'EXECUTION_FAILED',
    message: declared?.message ?? said ?? 'the service reports that the execution failed, and not why',
    retryable: isJsonObject(error) && error.retryable === true,
    details: declared?.details,
  });
}

/** Milliseconds that Retry-After asks to wait, from either of its forms, at most a day; undefined without the header. */
export function readRetryAfterMs(answer: ServiceAnswer, now: number = Date.now()): number | undefined {
  const text = answer.header('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, MAX_RETRY_AFTER_MS);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), MAX_RETRY_AFTER_MS);
}

interface DeclaredError {
  readonly code: string;
  readonly message: string;
  readonly details: JsonObject | undefined;
}

function readDeclaredError(answer: ServiceAnswer): DeclaredError | undefined {
  try {
    const body = readJsonBody(answer);
    return isJsonObject(body) ? readErrorBody(body.error) : undefined;
  } catch {
    // A proxy's page or nothing at all: the status says what there is to say.
    return undefined;
  }
}

function readErrorBody(error: JsonValue | undefined): DeclaredError | undefined {
  if (!isJsonObject(error)) return undefined;
  const { code, message, details } = error;
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{0,63}$/.test(code)) return undefined;
  const isSmall =
    isJsonObject(details) &&
    JSON.stringify(details).length <= MAX_DETAILS &&
    !JSON.stringify(details).includes('\\u0000');
  return {
    code,
    message: readable(message) ?? `the service failed with ${code}`,
    details: isSmall ? details : undefined,
  };
}

function readable(message: JsonValue | undefined): string | undefined {
  if (typeof message !== 'string') return undefined;
  // One line: it goes into rows and logs.
  const line = message.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line || undefined;
}

function codeOfStatus(status: number): string {
  if (status === 429 || status === 502 || status === 503 || status === 504) return 'SERVICE_UNAVAILABLE';
  if (status === 408) return 'TIMEOUT';
  return 'EXECUTION_FAILED';
}
