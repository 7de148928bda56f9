import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { availableParallelism } from 'node:os';
import { type Logger, silentLogger } from '@mad/core';
import { OperationInvalidError, TaskServiceError } from '../errors.ts';
import type { Execution } from './execution.ts';
import { ExecutionLedger } from './execution-ledger.ts';
import { readJsonRequest, sendError, sendJson } from './http-exchange.ts';
import type { Operation } from './operation.ts';

export interface TaskServiceOptions {
  readonly operations: readonly Operation[];
  /** Executions of one operation that run at once. @default the number of processors */
  readonly concurrency?: number | undefined;
  /** Executions of one operation that may wait for a place; beyond it the answer is 503. @default 1000 */
  readonly queueLimit?: number | undefined;
  /** How long an ended execution stays known, by its id and its Idempotency-Key. @default 10 minutes */
  readonly retainMs?: number | undefined;
  /** Ended executions of one operation that stay known at most; their results are kept in memory. @default 200 */
  readonly retainCount?: number | undefined;
  /** @default 64 MiB */
  readonly maxRequestBytes?: number | undefined;
  /** @default silent */
  readonly logger?: Logger | undefined;
}

export interface ListenOptions {
  /** @default a free port */
  readonly port?: number | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
}

/** A service that answers for its operations over HTTP, each below `/<taskKey>`. */
export interface TaskService extends AsyncDisposable {
  /** Starts to answer; the URL is the base below which every operation has its own address. */
  listen(options?: ListenOptions): Promise<{ readonly url: string }>;
  /** Takes no more work, lets what runs end for `graceMs`, then cancels it, and resolves when nothing is left. @default 10 s */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const MAX_HOLD_SECONDS = 30;

/**
 * A service on plain node:http. For every operation: `GET /<taskKey>/openapi.json`, `POST /<taskKey>/execute`, `GET /<taskKey>/health`, and where it
 * is long-running `GET` and `DELETE /<taskKey>/executions/<id>`; `GET /health` for all. Executions live in memory: a restart forgets them.
 * @throws {OperationInvalidError} when two operations have one key.
 */
export function createTaskService(options: TaskServiceOptions): TaskService {
  return new HttpTaskService(options);
}

class HttpTaskService implements TaskService {
  readonly #operations = new Map<string, { operation: Operation; ledger: ExecutionLedger }>();
  readonly #server: Server;
  readonly #maxRequestBytes: number;
  readonly #logger: Logger;
  readonly #answering = new Set<ServerResponse>();
  #closing = false;

  constructor({
    operations,
    concurrency = availableParallelism(),
    queueLimit = 1_000,
    retainMs = 600_000,
    retainCount = 200,
    maxRequestBytes = 64 * 1024 * 1024,
    logger = silentLogger,
  }: TaskServiceOptions) {
    this.#maxRequestBytes = maxRequestBytes;
    this.#logger = logger;
    for (const operation of operations) {
      const { taskKey } = operation;
      if (this.#operations.has(taskKey))
        throw new OperationInvalidError({ taskKey, reason: 'two operations of this service have this key' });
      const ledger = new ExecutionLedger({
        operation,
        concurrency: operation.concurrency ?? concurrency,
        queueLimit,
        retainMs,
        retainCount,
        logger,
      });
      this.#operations.set(taskKey, { operation, ledger });
    }
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen({ port = 0, host = '127.0.0.1' }: ListenOptions = {}): Promise<{ url: string }> {
    const listening = Promise.withResolvers<void>();
    this.#server.once('error', listening.reject);
    this.#server.listen({ port, host }, listening.resolve);
    await listening.promise;
    this.#server.off('error', listening.reject);
    const address = this.#server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}` };
  }

  async close({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const ledgers = [...this.#operations.values()].map(({ ledger }) => ledger);
    const grace = setTimeout(() => {
      for (const ledger of ledgers) ledger.cancelAll();
    }, graceMs);
    await Promise.all(ledgers.map((ledger) => ledger.idle()));
    clearTimeout(grace);
    for (const ledger of ledgers) ledger.forgetAll();
    // A caller that does not read its answer cannot hold the service for more than a moment.
    const moment = Promise.withResolvers<void>();
    const timer = setTimeout(moment.resolve, 1_000);
    await Promise.race([Promise.all([...this.#answering].map(closeOf)), moment.promise]);
    clearTimeout(timer);
    // What is left carries no answer: closeIdleConnections would pass over connections that never sent a request.
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#answering.add(response);
    response.once('close', () => this.#answering.delete(response));
    try {
      await this.#route(request, response);
    } catch (error) {
      if (error instanceof TaskServiceError) return sendError(response, error);
      if (response.destroyed) return;
      this.#logger.error({ err: error }, 'a request could not be answered');
      sendError(
        response,
        new TaskServiceError({
          code: 'INTERNAL_ERROR',
          message: 'the service met an internal error; its log names the cause',
          status: 500,
        }),
      );
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [taskKey = '', ...rest] = (request.url ?? '/')
      .replace(/[?#].*$/s, '')
      .split('/')
      .slice(1);
    if (taskKey === 'health' && rest.length === 0)
      return this.#allow(request, { GET: () => this.#sendHealth(response) });
    const found = this.#operations.get(taskKey);
    const [resource, id, ...beyond] = rest;
    if (!found || resource === undefined || beyond.length > 0) throw notFound();
    if (resource === 'executions' && id !== undefined && found.operation.longRunning) {
      const execution = found.ledger.find(id);
      if (!execution) throw notFound();
      return this.#allow(request, {
        GET: () => this.#sendExecution(request, response, execution),
        DELETE: () => {
          execution.cancel();
          sendJson(response, { status: 200, body: execution.toBody() });
        },
      });
    }
    if (id !== undefined) throw notFound();
    if (resource === 'openapi.json')
      return this.#allow(request, { GET: () => sendJson(response, { status: 200, body: found.operation.document }) });
    if (resource === 'health') return this.#allow(request, { GET: () => this.#sendHealth(response, taskKey) });
    if (resource === 'execute') return this.#allow(request, { POST: () => this.#execute(request, response, found) });
    throw notFound();
  }

  async #allow(
    request: IncomingMessage,
    handlers: Readonly<Record<string, () => Promise<void> | void>>,
  ): Promise<void> {
    const handler = Object.hasOwn(handlers, request.method ?? '') ? handlers[request.method ?? ''] : undefined;
    if (handler) return handler();
    throw new TaskServiceError({
      code: 'METHOD_NOT_ALLOWED',
      message: `expected ${Object.keys(handlers).join(' or ')}`,
      status: 405,
    });
  }

  async #execute(
    request: IncomingMessage,
    response: ServerResponse,
    { operation, ledger }: { operation: Operation; ledger: ExecutionLedger },
  ): Promise<void> {
    const { body, value } = await readJsonRequest(request, this.#maxRequestBytes);
    if (this.#closing) throw stopping();
    const key = request.headers['idempotency-key'];
    const execution = ledger.start({
      body,
      value,
      idempotencyKey: typeof key === 'string' && key !== '' ? key : undefined,
    });
    if (operation.longRunning && !execution.hasEnded) {
      const location = `/${operation.taskKey}/executions/${execution.id}`;
      return sendJson(response, { status: 202, body: execution.toBody(), headers: { location, 'retry-after': '0' } });
    }
    response.once('close', execution.hold());
    await execution.ended;
    if (execution.result) sendJson(response, { status: 200, body: execution.result });
    else sendError(response, execution.error ?? stopping());
  }

  /** At once, or with `Prefer: wait=<seconds>` when something has changed or the time is over (RFC 7240). */
  async #sendExecution(request: IncomingMessage, response: ServerResponse, execution: Execution): Promise<void> {
    const prefer = String(request.headers.prefer ?? '');
    const seconds = Math.min(Number(/\bwait=(\d{1,4})\b/.exec(prefer)?.[1] ?? 0), MAX_HOLD_SECONDS);
    if (seconds > 0 && !execution.hasEnded) await untilChange(execution, { response, waitMs: seconds * 1_000 });
    const waited = seconds > 0 ? { 'preference-applied': `wait=${seconds}`, vary: 'prefer' } : { 'retry-after': '1' };
    sendJson(response, { status: 200, body: execution.toBody(), headers: execution.hasEnded ? {} : waited });
  }

  #sendHealth(response: ServerResponse, only?: string): void {
    const status = this.#closing ? 'stopping' : 'healthy';
    const operations = [...this.#operations]
      .filter(([taskKey]) => only === undefined || taskKey === only)
      .map(([taskKey, { ledger }]) => [taskKey, ledger.load]);
    sendJson(response, {
      status: this.#closing ? 503 : 200,
      body: { status, operations: Object.fromEntries(operations) },
    });
  }
}

async function untilChange(
  execution: Execution,
  { response, waitMs }: { response: ServerResponse; waitMs: number },
): Promise<void> {
  const time = Promise.withResolvers<void>();
  const timer = setTimeout(time.resolve, waitMs);
  response.once('close', time.resolve);
  await Promise.race([execution.changed, time.promise]);
  response.off('close', time.resolve);
  clearTimeout(timer);
}

const closeOf = (response: ServerResponse): Promise<void> =>
  response.closed ? Promise.resolve() : new Promise((resolve) => response.once('close', () => resolve()));

function notFound(): TaskServiceError {
  return new TaskServiceError({
    code: 'NOT_FOUND',
    message: 'nothing is at this path; GET /<taskKey>/openapi.json tells what an operation offers',
    status: 404,
  });
}

function stopping(): TaskServiceError {
  return new TaskServiceError({
    code: 'SERVICE_UNAVAILABLE',
    message: 'the service is stopping; ask another instance',
    status: 503,
  });
}
