import { findByPointer, type JsonValue, TaskFailedError } from '@mad/core';
import { z } from 'zod';
import { contractViolation, readJsonBody } from './read-json-body.ts';
import type { ServiceAnswer } from './send-request.ts';
import { below, type Exchange, openExchange, type ServiceCall } from './service-call.ts';
import { failureOfAnswer, failureOfExecution, readRetryAfterMs } from './service-failure.ts';

const FIRST_INTERVAL_MS = 250;
const MAX_INTERVAL_MS = 30_000;
const LIVELY_INTERVAL_MS = 1_000;
/** A service that holds the question open may still answer fast, on each step of progress. */
const HELD_INTERVAL_MS = 50;
const HOLD_SECONDS = 10;
const MAX_FAULTS_IN_A_ROW = 5;
const CANCEL_TIMEOUT_MS = 1_000;
/** Characters of an id or an address that a service gives its work. */
const MAX_ID = 2_000;
/** An id as a row keeps it; what begins with a slash is an address. */
const ID = new RegExp(`^[^\\p{Cc}\\p{Cs}/][^\\p{Cc}\\p{Cs}]{0,${MAX_ID - 1}}$`, 'u');

export interface AcceptedCall {
  readonly call: ServiceCall;
  readonly exchange: Exchange;
}

const executionSchema = z.object({
  execution_id: z.string().optional(),
  status: z.enum(['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED']),
  progress: z.number().min(0).max(1).nullish(),
});

/** What a service has taken over with a 202. */
export interface Execution {
  readonly url: URL;
  /** The service's own id of it, else the path at which it is asked for. */
  readonly externalId: string;
  readonly firstWaitMs: number;
}

/** Where the work that a 202 accepted is asked for: its `Location`, or the document's status path with the id in its body. @throws {TaskFailedError} */
export function findExecution({ serviceUrl, taskInterface }: ServiceCall, accepted: ServiceAnswer): Execution {
  const firstWaitMs = readRetryAfterMs(accepted) ?? FIRST_INTERVAL_MS;
  const location = accepted.header('location');
  const base = below(serviceUrl, taskInterface.execute.operation.path);
  const url = location === undefined ? null : URL.parse(location, base.href);
  if (url?.origin === serviceUrl.origin && url.username === '' && url.href.length <= MAX_ID)
    return { url, externalId: `${url.pathname}${url.search}`, firstWaitMs };
  const id = accepted.body.byteLength > 0 ? findByPointer(readJsonBody(accepted), '/execution_id') : undefined;
  if (typeof id === 'string' && ID.test(id)) {
    const found = findUrl({ serviceUrl, taskInterface }, id);
    if (found) return { url: found, externalId: id, firstWaitMs };
  }
  throw contractViolation(
    location === undefined
      ? 'accepted the request for later (202) and does not say where to ask for it: neither Location nor execution_id'
      : 'accepted the request for later (202) with a Location at another origin',
  );
}

/** As it was found when the work was accepted, perhaps by a process that is gone. @throws {TaskFailedError} EXECUTION_LOST where it leads nowhere any more. */
export function resumeExecution(call: ServiceCall, { externalId }: Pick<Execution, 'externalId'>): Execution {
  const url = findUrl(call, externalId);
  if (url?.origin !== call.serviceUrl.origin) throw executionLost();
  return { url, externalId, firstWaitMs: 0 };
}

function findUrl(
  { serviceUrl, taskInterface }: Pick<ServiceCall, 'serviceUrl' | 'taskInterface'>,
  externalId: string,
): URL | null {
  if (externalId.startsWith('/')) return URL.parse(externalId, serviceUrl.origin);
  const { statusPath } = taskInterface;
  return statusPath === undefined
    ? null
    : below(serviceUrl, statusPath.replace('{execution_id}', encodeURIComponent(externalId)));
}

/**
 * Asks for the state of accepted work until it ended and returns its result, unchecked. Questions come less and less often, up to 30 s apart, at least
 * once a second while progress is reported, and as the service asks by Retry-After; one that honours `Prefer: wait` is asked anew at once.
 * When the signal aborts the service is told to stop, unless the call was only interrupted and the work will be asked for again.
 */
export async function awaitExecution({ call, exchange }: AcceptedCall, execution: Execution): Promise<JsonValue> {
  const { url, firstWaitMs } = execution;
  try {
    return await poll({ call, exchange, url, firstWaitMs });
  } catch (error) {
    if (call.signal.aborted && !call.isInterrupted()) await cancel(call, url);
    throw error;
  }
}

async function poll({
  call,
  exchange,
  url,
  firstWaitMs,
}: {
  call: ServiceCall;
  exchange: Exchange;
  url: URL;
  firstWaitMs: number;
}): Promise<JsonValue> {
  let intervalMs = FIRST_INTERVAL_MS;
  let waitMs = firstWaitMs;
  for (let faults = 0; ; ) {
    await call.clock.sleep(waitMs, call.signal);
    intervalMs = Math.min(intervalMs * 1.5, MAX_INTERVAL_MS);
    const answer = await ask({ call, exchange, url });
    if (answer instanceof TaskFailedError) {
      // Asking is harmless, and the work may well go on behind a passing fault.
      if (++faults > MAX_FAULTS_IN_A_ROW) throw answer;
      const retryAfterMs = answer.details.retryAfterMs;
      waitMs = typeof retryAfterMs === 'number' ? retryAfterMs : intervalMs;
      continue;
    }
    faults = 0;
    const body = readJsonBody(answer);
    const execution = executionSchema.safeParse(body);
    if (!execution.success)
      throw contractViolation(
        'answered with a state of its execution that has no known status, or a progress beyond 0..1',
      );
    const { status, progress } = execution.data;
    if (typeof progress === 'number') call.onProgress?.(progress);
    if (status === 'COMPLETED') return findByPointer(body, '/result') ?? null;
    if (status === 'FAILED') throw failureOfExecution(findByPointer(body, '/error'));
    if (status === 'CANCELED') throw canceledByService();
    waitMs = nextWaitMs(answer, { intervalMs, lively: typeof progress === 'number' });
  }
}

/** One question; a fault that may pass is returned, every other is thrown. */
async function ask({
  call,
  exchange,
  url,
}: {
  call: ServiceCall;
  exchange: Exchange;
  url: URL;
}): Promise<ServiceAnswer | TaskFailedError> {
  let answer: ServiceAnswer;
  try {
    answer = await exchange({ method: 'GET', url, headers: { prefer: `wait=${HOLD_SECONDS}` } });
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof TaskFailedError && error.retryable) return error;
    throw error;
  }
  if (answer.status === 200) return answer;
  if (answer.status === 404 || answer.status === 410) throw executionLost();
  if (answer.status < 300)
    throw contractViolation(`answered ${answer.status} where the state of its execution was asked for`);
  const failure = failureOfAnswer(answer);
  if (failure.retryable) return failure;
  throw failure;
}

function nextWaitMs(answer: ServiceAnswer, { intervalMs, lively }: { intervalMs: number; lively: boolean }): number {
  if (/\bwait\b/.test(answer.header('preference-applied') ?? '')) return HELD_INTERVAL_MS;
  const asked = readRetryAfterMs(answer) ?? intervalMs;
  return lively ? Math.min(asked, LIVELY_INTERVAL_MS) : asked;
}

async function cancel(call: ServiceCall, url: URL): Promise<void> {
  if (!call.taskInterface.cancellable) return;
  const exchange = openExchange({ ...call, signal: AbortSignal.timeout(CANCEL_TIMEOUT_MS) });
  // The call has failed already; a service that cannot be told ends the work by itself.
  await exchange({ method: 'DELETE', url }).catch(() => {});
}

function executionLost(): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'EXECUTION_LOST',
    message:
      'the service no longer knows the execution it accepted, most likely because it was restarted; submit again',
    retryable: true,
  });
}

function canceledByService(): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'EXECUTION_CANCELED',
    message:
      'the service stopped the execution without being asked, most likely because it was shut down; submit again',
    retryable: true,
  });
}
