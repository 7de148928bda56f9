import { isJsonObject, type JsonObject, type JsonValue, TaskFailedError } from '@mad/core';
import { isRetryableStatus } from '../../errors.ts';
import { toMediaType } from '../../openapi/api-operation.ts';
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
      `answered ${status}, a redirect${whereTo(answer)}; register the address it leads to, or allow followRedirects where that is at the same origin`,
    );
  const declared = readDeclaredError(answer);
  const retryAfterMs = readRetryAfterMs(answer);
  return new TaskFailedError({
    failureCode: declared?.code ?? codeOfStatus(status),
    message: declared?.message ?? `the service answered ${status}${reasonOf(answer)}`,
    retryable: isRetryableStatus(status),
    details: { ...declared?.details, status, retryAfterMs },
  });
}

function whereTo(answer: ServiceAnswer): string {
  const url = URL.parse(answer.header('location') ?? '', 'http://relative.invalid');
  if (!url) return '';
  // Never its query: that may hold what was signed.
  return url.hostname === 'relative.invalid' ? ` to ${url.pathname.slice(0, 200)}` : ` to ${url.origin}`;
}

/** What the `error` of a FAILED execution means. The service may say itself whether to try again; without a word it is not tried again. */
export function failureOfExecution(error: JsonValue | undefined): TaskFailedError {
  const declared = readErrorBody(error);
  const said = findReason(error);
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
  // A date names its day; other text is read as one of long ago.
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), MAX_RETRY_AFTER_MS);
}

interface DeclaredError {
  readonly code: string;
  readonly message: string;
  readonly details: JsonObject | undefined;
}

function readDeclaredError(answer: ServiceAnswer): DeclaredError | undefined {
  const body = readJson(answer);
  return isJsonObject(body) ? readErrorBody(body.error) : undefined;
}

/** What a service says of its failure in one of the usual ways, `: …`; for what is not found the likely cause. */
function reasonOf(answer: ServiceAnswer): string {
  const isText = toMediaType(answer.header('content-type') ?? '') === 'text/plain';
  const reason = isText ? readable(answer.body.toString('utf8', 0, MAX_MESSAGE * 2)) : findReason(readJson(answer));
  if (reason !== undefined) return `: ${reason}`;
  const isNotFound = answer.status === 404 || answer.status === 405;
  return isNotFound ? '; look whether the paths of its document are below the address at which it is registered' : '';
}

/** From RFC 9457 (`detail`, `title`), FastAPI (`detail` as a list of `{loc, msg}`), and what others write. */
function findReason(body: JsonValue | undefined): string | undefined {
  if (!isJsonObject(body)) return readable(body);
  const { error, message, detail, title, reason } = body;
  const said = [isJsonObject(error) ? error.message : error, message, detail, reason, title].map(readable);
  return said.find((text) => text !== undefined) ?? listIssues(detail);
}

function listIssues(detail: JsonValue | undefined): string | undefined {
  if (!Array.isArray(detail)) return undefined;
  const issues = (detail as readonly JsonValue[]).slice(0, 3).flatMap((issue) => {
    const text = isJsonObject(issue) ? readable(issue.msg) : undefined;
    const at = isJsonObject(issue) && Array.isArray(issue.loc) ? issue.loc.join('/') : '';
    return text === undefined ? [] : [at === '' ? text : `${at} ${text}`];
  });
  return readable(issues.join('; '));
}

function readJson(answer: ServiceAnswer): JsonValue | undefined {
  try {
    return readJsonBody(answer);
  } catch {
    // A proxy's page or nothing at all: the status says what there is to say.
    return undefined;
  }
}

/** What only the caller can know: a service that says it would have its work sent again. */
const OURS = new Set(['CONNECTION_LOST', 'EXECUTION_LOST', 'WORKER_LOST', 'TIMEOUT', 'CANCELED', 'CONTRACT_VIOLATION']);

function readErrorBody(error: JsonValue | undefined): DeclaredError | undefined {
  if (!isJsonObject(error)) return undefined;
  const { code, message, details } = error;
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{0,63}$/.test(code) || OURS.has(code)) return undefined;
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
