import { Readable } from 'node:stream';
import { isMadError, type JsonValue, TaskFailedError } from '@mad/core';
import type { Dispatcher } from 'undici';
import { decodeBody, isDecodable } from '../answer/decode-body.ts';
import { contractViolation } from '../answer/read-json-body.ts';

export interface ServiceRequest {
  /** Upper case. */
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Buffer | Readable | undefined;
  readonly signal: AbortSignal;
  readonly dispatcher: Dispatcher;
  /** Bytes of the body that are read at most, and that it has at most once its content coding is undone. */
  readonly maxResponseBytes: number;
  /** Where a body goes that is not to be held in memory. @default none does */
  readonly files?: AnswerFiles | undefined;
}

/** Takes the bodies that are files as they arrive. */
export interface AnswerFiles {
  /** Bytes of such a body at most. */
  readonly maxBytes: number;
  /** What to do with a body of this status and media type; undefined: it is no file. What it resolves with is the answer's `stored`. */
  find(status: number, contentType: string): ((body: Readable) => Promise<JsonValue>) | undefined;
}

/** What a service answered, whole. A redirect is an answer like any other: it is not followed. */
export interface ServiceAnswer {
  readonly status: number;
  /** Empty where it is `stored`. */
  readonly body: Buffer;
  /** What stands for a body that was kept as it arrived. */
  readonly stored?: JsonValue | undefined;
  header(name: string): string | undefined;
}

/** Ways of the system to say that no connection was made, so that no service can have begun to work; the same codes mean less on an open one. */
const CONNECTING = new Set(['connect', 'getaddrinfo']);

/**
 * One HTTP exchange with the whole body read, within the byte limit.
 * @throws {TaskFailedError} SERVICE_UNAVAILABLE when nobody answers, CONNECTION_LOST when the answer breaks off, RESPONSE_TOO_LARGE.
 * When the signal aborts it throws the signal's reason.
 */
export function sendRequest(sent: ServiceRequest): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const { method, url, headers, body = null, signal, dispatcher } = sent;
    const reader = new AnswerReader(sent, { resolve, reject });
    const request = {
      origin: url.origin,
      path: url.search === '' ? url.pathname : url.pathname + url.search,
      method: method as Dispatcher.HttpMethod,
      headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers },
      body,
      // The total deadline is the signal's: undici's own timeouts only see idle connections.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    try {
      signal.throwIfAborted();
      dispatcher.dispatch(request, reader);
    } catch (error) {
      reader.fail(error);
    }
  });
}

interface Outcome {
  readonly resolve: (answer: ServiceAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes the answer from undici as it comes: its streams would cost as much again as the exchange itself. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #sent: ServiceRequest;
  readonly #outcome: Outcome;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #file: { readonly body: Readable; readonly stored: Promise<JsonValue> } | undefined;
  #headers: Readonly<Record<string, string | string[] | undefined>> = {};
  #controller: Dispatcher.DispatchController | undefined;

  constructor(sent: ServiceRequest, outcome: Outcome) {
    this.#sent = sent;
    this.#outcome = outcome;
    sent.signal.addEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    this.#controller?.abort(this.#sent.signal.reason as Error);
    // What waits for a connection has no controller, and its body nobody who would end it.
    if (!this.#controller) this.fail(this.#sent.signal.reason);
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#sent.signal.aborted) controller.abort(this.#sent.signal.reason as Error);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#keep(controller);
    if (Number(this.#header('content-length') ?? 0) > this.#maxBytes)
      controller.abort(tooLarge(this.#sent, this.#maxBytes));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.byteLength;
    if (controller.aborted) return;
    if (this.#bytes > this.#maxBytes) controller.abort(tooLarge(this.#sent, this.#maxBytes));
    else if (!this.#file) this.#chunks.push(chunk);
    else if (!this.#file.body.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    const { signal } = this.#sent;
    const header = (name: string): string | undefined => this.#header(name);
    if (this.#file) {
      this.#file.body.push(null);
      const kept = (stored: JsonValue) => ({ status: this.#status, body: Buffer.alloc(0), stored, header });
      this.#file.stored.then(
        (stored) => {
          signal.removeEventListener('abort', this.#abort);
          this.#outcome.resolve(kept(stored));
        },
        () => {},
      );
      return;
    }
    signal.removeEventListener('abort', this.#abort);
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    const answer = { status: this.#status, body, header };
    const encoding = header('content-encoding');
    // Nobody asked for it, but some proxies compress whatever passes.
    if (encoding !== undefined && isDecodable(encoding)) void this.#decode(answer, encoding);
    else this.#outcome.resolve(answer);
  }

  get #maxBytes(): number {
    return this.#file ? (this.#sent.files?.maxBytes ?? 0) : this.#sent.maxResponseBytes;
  }

  #header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  #keep(controller: Dispatcher.DispatchController): void {
    if ((this.#header('content-encoding') ?? 'identity') !== 'identity') return;
    const store = this.#sent.files?.find(this.#status, this.#header('content-type') ?? '');
    if (!store) return;
    const body = new Readable({ read: () => controller.resume() });
    body.on('error', () => {});
    const stored = store(body);
    // Whoever keeps it may fail before all has arrived, and that is no fault of the service.
    stored.catch((error: unknown) => {
      this.#sent.signal.removeEventListener('abort', this.#abort);
      this.#outcome.reject(error);
      controller.abort(error as Error);
    });
    this.#file = { body, stored };
  }

  async #decode({ status, body, header }: ServiceAnswer, encoding: string): Promise<void> {
    const { signal, maxResponseBytes: maxBytes } = this.#sent;
    try {
      const decoded = await decodeBody(body, { encoding, maxBytes });
      signal.throwIfAborted();
      const plain = (name: string) => (name === 'content-encoding' ? undefined : header(name));
      this.#outcome.resolve({ status, body: decoded, header: plain });
    } catch (error) {
      const broken = contractViolation(`compressed its answer (${encoding}), and not as that is done`, {
        cause: error,
      });
      this.fail(error instanceof RangeError ? tooLarge(this.#sent, maxBytes) : broken);
    }
  }

  onResponseError(_: unknown, error: Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    const { signal, url } = this.#sent;
    this.#file?.body.destroy(error instanceof Error ? error : undefined);
    signal.removeEventListener('abort', this.#abort);
    if (signal.aborted) this.#outcome.reject(signal.reason);
    else this.#outcome.reject(isMadError(error) ? error : networkFault(url, error));
  }
}

function tooLarge({ url: { origin } }: ServiceRequest, maxBytes: number): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'RESPONSE_TOO_LARGE',
    message: `the service at ${origin} answered with more than ${maxBytes} bytes; raise maxResponseBytes, or of files maxFileBytes, if such answers are right`,
    retryable: false,
    details: { origin, maxBytes },
  });
}

function networkFault({ origin }: URL, cause: unknown): TaskFailedError {
  const code = codeOf(cause) ?? 'unknown';
  const unreached = isUnreached(cause);
  return new TaskFailedError({
    failureCode: unreached ? 'SERVICE_UNAVAILABLE' : 'CONNECTION_LOST',
    message: unreached
      ? `no service answers at ${origin} (${code}); start it, or correct its address`
      : `the connection to the service at ${origin} broke before its answer was whole (${code})${code === 'ERR_SSL_WRONG_VERSION_NUMBER' ? '; it speaks http, not https' : ''}`,
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
