import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { availableParallelism } from 'node:os';
import { type JsonObject, type Logger, silentLogger } from '@mad/core';
import { OperationInvalidError } from '../errors.ts';
import { ExecutionLedger } from './execution/execution-ledger.ts';
import { settles } from './execution/settles.ts';
import { answerClientError } from './http/answer-client-error.ts';
import { answerFetch } from './http/answer-fetch.ts';
import { answerNode } from './http/answer-node.ts';
import { createRouter, type Router, type ServedOperation, type ServiceState } from './http/router.ts';
import type { Operation } from './operation/operation.ts';

export interface TaskServiceOptions {
  readonly operations: readonly Operation[];
  /** Executions of one operation that run at once. @default the number of processors */
  readonly concurrency?: number | undefined;
  /** Executions of one operation that may wait for a place; beyond it the answer is 503. 0: none waits. @default 1000 */
  readonly queueLimit?: number | undefined;
  /** How long an ended execution stays known, by its id and its Idempotency-Key. @default 10 minutes */
  readonly retainMs?: number | undefined;
  /** Ended executions of one operation that stay known at most; their results are kept in memory. @default 200 */
  readonly retainCount?: number | undefined;
  /** @default 64 MiB */
  readonly maxRequestBytes?: number | undefined;
  /** Of the JSON text of a result. @default 64 MiB */
  readonly maxResultBytes?: number | undefined;
  /** How long the body of a request may take to arrive. @default 60 s */
  readonly requestTimeoutMs?: number | undefined;
  /** What stands before `/<taskKey>` in the paths that arrive, such as `/tasks`; nothing where the host takes it off. @default '' */
  readonly basePath?: string | undefined;
  /** Begins at once; until it is done the service is not ready, and if it throws it never is. The signal aborts when the service is closed. */
  readonly prepare?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** @default silent */
  readonly logger?: Logger | undefined;
}

export interface ListenOptions {
  /** @default a free port */
  readonly port?: number | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
}

export interface CloseOptions {
  /** How long executions may go on. @default 10 s */
  readonly graceMs?: number | undefined;
  /** How long those that were then canceled may take to stop; beyond it they are given up. @default 5 s */
  readonly cancelMs?: number | undefined;
}

/** One operation as it is served. */
export interface OfferedOperation {
  readonly taskKey: string;
  readonly document: JsonObject;
  /** Executions that run at once. */
  readonly capacity: number;
  /** Of this moment. */
  readonly load: { readonly running: number; readonly waiting: number };
}

export interface CloseListener {
  /** Called when the service begins to close. */
  readonly begins?: (() => void) | undefined;
  /** Called when nothing runs any more; `close` resolves after it, whether or not it rejects. */
  readonly ends?: (() => Promise<void>) | undefined;
}

/** A service that answers for its operations over HTTP, each below `/<taskKey>`: on a server of its own, or within a host's. */
export interface TaskService extends AsyncDisposable {
  readonly operations: readonly OfferedOperation[];
  /** Resolves when the service is ready, at once without `prepare`. @throws what `prepare` threw */
  ready(): Promise<void>;
  /** Starts to answer on a server of its own; the URL is the base below which every operation has its own address. */
  listen(options?: ListenOptions): Promise<{ readonly url: string }>;
  /** Answers a request of a host's Fetch server. Can be passed on without its service; never rejects. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Answers a request of a host's node:http server whose body nobody has read. Can be passed on without its service; never rejects. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** What a listener throws is logged. One that comes after the service began to close is told at once. */
  onClose(listener: CloseListener): void;
  /**
   * Takes no more work, lets what runs end for `graceMs`, then cancels it, and resolves when nothing is left, after `graceMs` and `cancelMs` and a
   * few seconds at most. Meanwhile callers can still ask for their executions. Called again, it may have less patience.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** How long callers may take to hear of an execution that ended while the service closed, and to read an answer. */
const TELL_MS = 2_000;

/**
 * A service for operations. For each: `GET /<taskKey>/openapi.json`, `POST /<taskKey>/execute`, `GET /<taskKey>/health` and `/ready`, and where it
 * is long-running `GET` and `DELETE /<taskKey>/executions/<id>`; `GET /health` and `/ready` for all. Executions live in memory: a restart forgets them.
 * @throws {OperationInvalidError} when two operations have one key.
 */
export function createTaskService(options: TaskServiceOptions): TaskService {
  return new HttpTaskService(options);
}

class HttpTaskService implements TaskService {
  readonly #operations: ReadonlyMap<string, ServedOperation>;
  readonly #basePath: string;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #router: Router;
  readonly #prepared: Promise<void>;
  readonly #closing = new AbortController();
  readonly #listeners: CloseListener[] = [];
  readonly #answering = new Set<Promise<unknown>>();
  #state: ServiceState = 'starting';
  #ended: Promise<void> | undefined;

  constructor(options: TaskServiceOptions) {
    const { basePath = '', requestTimeoutMs = 60_000, logger = silentLogger } = options;
    this.#logger = logger;
    this.#basePath = basePath.replace(/^\/*(?=.)/, '/').replace(/\/+$/, '');
    this.#operations = serveOperations(options);
    this.#router = createRouter({
      operations: this.#operations,
      basePath: this.#basePath,
      maxBytes: options.maxRequestBytes ?? 64 * 1024 * 1024,
      timeoutMs: requestTimeoutMs,
      state: () => this.#state,
      logger,
    });
    this.#server = createServer(this.handle);
    // The last resort, for what arrives after an answer was given: bodies have their own time.
    this.#server.requestTimeout = Math.max(300_000, 2 * requestTimeoutMs);
    this.#server.on('clientError', answerClientError);
    this.#prepared = this.#prepare(options.prepare);
  }

  get operations(): readonly OfferedOperation[] {
    return [...this.#operations.values()].map(({ operation, ledger }) => ({
      taskKey: operation.taskKey,
      document: operation.document,
      capacity: ledger.concurrency,
      load: ledger.load,
    }));
  }

  ready(): Promise<void> {
    return this.#prepared;
  }

  async listen({ port = 0, host = '127.0.0.1' }: ListenOptions = {}): Promise<{ url: string }> {
    const listening = Promise.withResolvers<void>();
    this.#server.once('error', listening.reject);
    this.#server.listen({ port, host }, listening.resolve);
    await listening.promise;
    this.#server.off('error', listening.reject);
    // A connection that cannot be accepted, such as without file descriptors, is no end of the service.
    this.#server.on('error', (error) => this.#logger.error({ err: error }, 'a connection could not be accepted'));
    const address = this.#server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}${this.#basePath}` };
  }

  readonly fetch = (request: Request): Promise<Response> => this.#track(answerFetch(this.#router, request));

  readonly handle = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    this.#track(answerNode(this.#router, { request, response }));

  onClose(listener: CloseListener): void {
    this.#listeners.push(listener);
    if (this.#state === 'stopping') this.#beginListener(listener);
  }

  async close({ graceMs = 10_000, cancelMs = 5_000 }: CloseOptions = {}): Promise<void> {
    if (this.#state !== 'stopping') {
      this.#state = 'stopping';
      this.#closing.abort();
      for (const listener of this.#listeners) this.#beginListener(listener);
    }
    const ledgers = [...this.#operations.values()].map(({ ledger }) => ledger);
    const drained = await Promise.all(ledgers.map((ledger) => ledger.drain({ graceMs, cancelMs })));
    // Who asks from time to time is given time to hear how it ended.
    await settles(Promise.all(drained.flat().map(({ told }) => told)), Math.min(graceMs, TELL_MS));
    this.#ended ??= this.#end();
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    for (const { ledger } of this.#operations.values()) ledger.forgetAll();
    await Promise.all(this.#listeners.map((listener) => this.#endListener(listener)));
    // A caller that does not read its answer cannot hold the service for more than a moment. It comes before server.close, which ends connections
    // whose answers are still being sent.
    await settles(Promise.all(this.#answering), TELL_MS);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // What is left carries no answer: closeIdleConnections would pass over connections that never sent a request.
    this.#server.closeAllConnections();
    await closed;
  }

  #beginListener({ begins }: CloseListener): void {
    try {
      begins?.();
    } catch (error) {
      this.#logger.error({ err: error }, 'a listener of the end of a task service failed');
    }
  }

  async #endListener({ ends }: CloseListener): Promise<void> {
    try {
      await ends?.();
    } catch (error) {
      this.#logger.error({ err: error }, 'a listener of the end of a task service failed');
    }
  }

  #prepare(prepare: TaskServiceOptions['prepare']): Promise<void> {
    if (!prepare) {
      this.#state = 'ready';
      return Promise.resolve();
    }
    const prepared = this.#settleState(prepare);
    // Told by `ready`, which nobody has to call.
    prepared.catch(() => {});
    return prepared;
  }

  async #settleState(prepare: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await prepare(this.#closing.signal);
      if (this.#state === 'starting') this.#state = 'ready';
    } catch (error) {
      if (this.#state === 'starting') {
        this.#state = 'failed';
        this.#logger.error({ err: error }, 'a task service could not be prepared');
      }
      throw error;
    }
  }

  #track<T>(answering: Promise<T>): Promise<T> {
    this.#answering.add(answering);
    // Never rejects: neither does the router.
    void answering.finally(() => this.#answering.delete(answering));
    return answering;
  }
}

function serveOperations({
  operations,
  concurrency = availableParallelism(),
  queueLimit = 1_000,
  retainMs = 600_000,
  retainCount = 200,
  maxResultBytes = 64 * 1024 * 1024,
  logger = silentLogger,
}: TaskServiceOptions): ReadonlyMap<string, ServedOperation> {
  const served = new Map<string, ServedOperation>();
  for (const operation of operations) {
    const { taskKey } = operation;
    if (served.has(taskKey))
      throw new OperationInvalidError({ taskKey, reason: 'two operations of this service have this key' });
    const limits = { concurrency: operation.concurrency ?? concurrency, queueLimit, maxResultBytes };
    const ledger = new ExecutionLedger({ operation, ...limits, retainMs, retainCount, logger });
    served.set(taskKey, { operation, ledger });
  }
  return served;
}
