import type { Logger } from '@mad/core';
import { TaskServiceError } from '../../errors.ts';
import type { Execution } from '../execution/execution.ts';
import type { ExecutionLedger } from '../execution/execution-ledger.ts';
import { settles } from '../execution/settles.ts';
import { toFailure } from '../execution/to-failure.ts';
import type { Operation } from '../operation/operation.ts';
import { type Answer, answerError, answerJson } from './answer.ts';
import type { IncomingCall } from './incoming-call.ts';
import type { BodyLimits } from './read-body.ts';
import { readRequest } from './read-request.ts';

/** Whether a service takes work: not before it is `ready`, and never again once it is `stopping` or has `failed` to begin. */
export type ServiceState = 'starting' | 'ready' | 'failed' | 'stopping';

export interface ServedOperation {
  readonly operation: Operation;
  readonly ledger: ExecutionLedger;
}

export interface RouterOptions extends BodyLimits {
  /** By task key. */
  readonly operations: ReadonlyMap<string, ServedOperation>;
  /** What stands before every path, `''` for nothing. */
  readonly basePath: string;
  readonly state: () => ServiceState;
  readonly logger: Logger;
}

/** Answers a call; never rejects. */
export type Router = (call: IncomingCall) => Promise<Answer>;

/** What the methods of one path do. HEAD is GET without the body. */
type Methods = Readonly<Partial<Record<'GET' | 'POST' | 'DELETE', () => Promise<Answer> | Answer>>>;

const MAX_HOLD_SECONDS = 30;

export function createRouter(options: RouterOptions): Router {
  const { operations, basePath, state, logger, maxBytes, timeoutMs } = options;

  function find(call: IncomingCall): Methods | undefined {
    const [taskKey = '', ...rest] = splitPath(call.path, basePath) ?? [];
    const only = operations.get(taskKey);
    const [resource = taskKey, id, ...beyond] = rest;
    if (beyond.length > 0 || (rest.length > 0 && !only)) return undefined;
    if (only && resource === 'executions' && id !== undefined && only.operation.longRunning)
      return findExecution(call, only.ledger.find(id));
    if (id !== undefined) return undefined;
    if (resource === 'health' || resource === 'ready')
      return { GET: () => answerState(resource, rest.length > 0 ? taskKey : undefined) };
    if (!only || rest.length === 0) return undefined;
    if (resource === 'openapi.json') return { GET: () => answerJson({ status: 200, body: only.operation.document }) };
    if (resource === 'execute') return { POST: () => execute(call, only) };
    return undefined;
  }

  function answerState(question: 'health' | 'ready', only?: string): Answer {
    const now = state();
    const isGood = now === 'ready' || (question === 'health' && now === 'starting');
    const loads = [...operations]
      .filter(([taskKey]) => only === undefined || taskKey === only)
      .map(([taskKey, { ledger }]) => [taskKey, ledger.load]);
    return answerJson({
      status: isGood ? 200 : 503,
      body: {
        status: question === 'health' && now === 'ready' ? 'healthy' : now,
        operations: Object.fromEntries(loads),
      },
    });
  }

  async function execute(call: IncomingCall, { operation, ledger }: ServedOperation): Promise<Answer> {
    requireReady(state());
    const request = await readRequest(call, { operation, maxBytes, timeoutMs });
    requireReady(state());
    if (call.gone.aborted) throw canceled();
    try {
      const execution = ledger.start(request);
      if (operation.longRunning && !execution.hasEnded) return accepted(execution);
      return await answerResult(call, execution);
    } catch (error) {
      return fail(error, ledger.retryAfterS);
    }
  }

  function fail(error: unknown, retryAfterS?: number): Answer {
    const { failure, isForeseen } = toFailure(error);
    if (!isForeseen) logger.error({ err: failure.cause }, 'a request could not be answered');
    return answerError(failure, { retryAfterS });
  }

  async function route(call: IncomingCall): Promise<Answer> {
    const methods = find(call);
    if (!methods) return answerError(notFound());
    const { GET: get } = methods;
    const all = { ...methods, ...(get ? { HEAD: get } : {}) };
    const method = Object.hasOwn(all, call.method) ? all[call.method as keyof typeof all] : undefined;
    if (method) return method();
    const allowed = Object.keys(all).join(', ');
    return answerError(methodNotAllowed(allowed), { headers: { allow: allowed } });
  }

  return async (call) => {
    const answer = await route(call).catch((error: unknown) => fail(error));
    return {
      ...answer,
      body: call.method === 'HEAD' ? Buffer.alloc(0) : answer.body,
      closes: answer.closes || state() === 'stopping',
    };
  };
}

/** The parts of a path below the base, their percent-encoding undone; undefined for a path that lies elsewhere or cannot be decoded. */
function splitPath(path: string, basePath: string): readonly string[] | undefined {
  if (!path.startsWith(`${basePath}/`)) return undefined;
  try {
    return path
      .slice(basePath.length + 1)
      .split('/')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function findExecution(call: IncomingCall, execution: Execution | undefined): Methods | undefined {
  if (!execution) return undefined;
  return {
    GET: () => answerExecution(call, execution),
    DELETE() {
      execution.cancel();
      return answerJson({ status: 200, body: execution.tell() });
    },
  };
}

/** Its address is told from that of the request: it holds whatever prefix a host or a proxy has taken off. */
function accepted(execution: Execution): Answer {
  const headers = { location: `executions/${execution.id}`, 'retry-after': '0' };
  return answerJson({ status: 202, body: execution.tell(), headers });
}

/** When the execution has ended; it is canceled when no caller is left that waits for it. */
async function answerResult({ gone }: IncomingCall, execution: Execution): Promise<Answer> {
  const release = execution.hold();
  const left = Promise.withResolvers<void>();
  const leave = (): void => {
    release();
    left.resolve();
  };
  gone.addEventListener('abort', leave, { once: true });
  if (gone.aborted) leave();
  await Promise.race([execution.ended, left.promise]);
  gone.removeEventListener('abort', leave);
  execution.tell();
  if (execution.result) return answerJson({ status: 200, body: execution.result });
  throw execution.error ?? canceled();
}

/** At once, or with `Prefer: wait=<seconds>` when something has changed or the time is over (RFC 7240). */
async function answerExecution(call: IncomingCall, execution: Execution): Promise<Answer> {
  const seconds = Math.min(Number(/\bwait=(\d{1,4})\b/.exec(call.header('prefer') ?? '')?.[1] ?? 0), MAX_HOLD_SECONDS);
  if (seconds > 0 && !execution.hasEnded) {
    const left = Promise.withResolvers<void>();
    call.gone.addEventListener('abort', () => left.resolve(), { once: true });
    await settles(Promise.race([execution.changed, left.promise]), seconds * 1_000);
  }
  const waited = seconds > 0 ? { 'preference-applied': `wait=${seconds}`, vary: 'prefer' } : { 'retry-after': '1' };
  return answerJson({ status: 200, body: execution.tell(), headers: execution.hasEnded ? {} : waited });
}

function requireReady(state: ServiceState): void {
  if (state === 'ready') return;
  const why = {
    starting: 'the service is not ready yet; ask again, or another instance',
    failed: 'the service could not start; ask another instance, its log names the cause',
    stopping: 'the service is stopping; ask another instance',
  };
  throw new TaskServiceError({ code: 'SERVICE_UNAVAILABLE', message: why[state], status: 503 });
}

function canceled(): TaskServiceError {
  const message = 'the execution was canceled, by its callers or because the service is stopping; send it again';
  return new TaskServiceError({ code: 'SERVICE_UNAVAILABLE', message, status: 503 });
}

function notFound(): TaskServiceError {
  const message = 'nothing is at this path; GET /<taskKey>/openapi.json tells what an operation offers';
  return new TaskServiceError({ code: 'NOT_FOUND', message, status: 404 });
}

function methodNotAllowed(allowed: string): TaskServiceError {
  return new TaskServiceError({ code: 'METHOD_NOT_ALLOWED', message: `expected ${allowed}`, status: 405 });
}
