import type { Readable } from 'node:stream';
import { isMadError, TaskFailedError } from '@mad/core';
import { type Dispatcher, request } from 'undici';

export interface ServiceRequest {
  /** Upper case. */
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Buffer | Readable | undefined;
  readonly signal: AbortSignal;
  readonly dispatcher: Dispatcher;
  /** Bytes of the body that are read at most. */
  readonly maxResponseBytes: number;
}

/** What a service answered, whole. A redirect is an answer like any other: it is not followed. */
export interface ServiceAnswer {
  readonly status: number;
  readonly body: Buffer;
  header(name: string): string | undefined;
}

/** Ways of the system to say that no connection was made, so that no service can have begun to work; the same codes mean less on an open one. */
const CONNECTING = new Set(['connect', 'getaddrinfo']);

/**
 * One HTTP exchange with the whole body read, within the byte limit.
 * @throws {TaskFailedError} SERVICE_UNAVAILABLE when nobody answers, CONNECTION_LOST when the answer breaks off, RESPONSE_TOO_LARGE.
 * When the signal aborts it throws the signal's reason.
 */
export async function sendRequest(sent: ServiceRequest): Promise<ServiceAnswer> {
  const { method, url, signal, dispatcher, maxResponseBytes } = sent;
  try {
    // The total deadline is the signal's: undici's own timeouts only see idle connections.
    const response = await request(url, {
      method: method as Dispatcher.HttpMethod,
      headers: { accept: 'application/json', 'accept-encoding': 'identity', ...sent.headers },
      body: sent.body ?? null,
      signal,
      dispatcher,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const header = (name: string): string | undefined => {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const chunks: Buffer[] = [];
    let bytes = Number(header('content-length') ?? 0) > maxResponseBytes ? Number.POSITIVE_INFINITY : 0;
    // An error listener stays: destroying a body that is still arriving reports an abort to whoever listens, or to the process.
    response.body.on('error', () => {});
    if (bytes <= maxResponseBytes) {
      for await (const chunk of response.body) {
        bytes += (chunk as Buffer).byteLength;
        if (bytes > maxResponseBytes) break;
        chunks.push(chunk as Buffer);
      }
    }
    if (bytes > maxResponseBytes) {
      response.body.destroy();
      throw tooLarge(url, maxResponseBytes);
    }
    return { status: response.statusCode, body: Buffer.concat(chunks), header };
  } catch (error) {
    signal.throwIfAborted();
    if (isMadError(error)) throw error;
    throw networkFault(url, error);
  }
}

function tooLarge({ origin }: URL, maxResponseBytes: number): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'RESPONSE_TOO_LARGE',
    message: `the service at ${origin} answered with more than ${maxResponseBytes} bytes; raise maxResponseBytes if such answers are right`,
    retryable: false,
    details: { origin, maxResponseBytes },
  });
}

function networkFault({ origin }: URL, cause: unknown): TaskFailedError {
  const code = codeOf(cause) ?? 'unknown';
  const unreached = isUnreached(cause);
  return new TaskFailedError({
    failureCode: unreached ? 'SERVICE_UNAVAILABLE' : 'CONNECTION_LOST',
    message: unreached
      ? `no service answers at ${origin} (${code}); start it, or register where it runs`
      : `the connection to the service at ${origin} broke before its answer was whole (${code})`,
    retryable: true,
    details: { origin, fault: code },
    cause,
  });
}

function isUnreached(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isUnreached);
  if (typeof error !== 'object' || error === null) return false;
  if (codeOf(error) === 'UND_ERR_CONNECT_TIMEOUT') return true;
  return 'syscall' in error && typeof error.syscall === 'string' && CONNECTING.has(error.syscall);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  // Several addresses tried: all their errors in one.
  if (error instanceof AggregateError) return error.errors.map(codeOf).find((code) => code !== undefined);
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
