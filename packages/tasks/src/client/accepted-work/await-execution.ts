import { findByPointer, type JsonValue, TaskFailedError } from '@mad/core';
import type { OperationInterface } from '../../openapi/operation-interface.ts';
import type { ExecutionInterface } from '../../openapi/task-interface.ts';
import { type DeclaredAnswer, readAnswer } from '../answer/read-answer.ts';
import { contractViolation, readJsonBody } from '../answer/read-json-body.ts';
import { failureOfAnswer, failureOfExecution, readRetryAfterMs } from '../answer/service-failure.ts';
import type { ServiceAnswer } from '../exchange/send-request.ts';
import { below, type Connection, isBelow, openExchange, type ServiceCall } from '../exchange/service-call.ts';
import { buildRequest } from '../request/build-request.ts';
import { noFiles } from '../request/request-files.ts';

const FIRST_INTERVAL_MS = 1_000;
const GROWTH = 1.5;
const MAX_INTERVAL_MS = 30_000;
const LIVELY_INTERVAL_MS = 1_000;
/** However soon a service says to ask again. */
const LEAST_INTERVAL_MS = 200;
/** A service in trouble is given longer, so that a few faults in a row are seconds. */
const FAULT_INTERVAL_MS = 500;
/** A service that holds the question open may still answer fast, on each step of progress. */
const HELD_INTERVAL_MS = 50;
const HOLD_SECONDS = 10;
const MAX_FAULTS_IN_A_ROW = 5;
const CANCEL_TIMEOUT_MS = 1_000;
/** Characters of an id or an address that a service gives its work. */
const MAX_ID = 2_000;
/** An id as a row keeps it; what begins with a slash is an address. */
const ID = new RegExp(`^[^\\p{Cc}\\p{Cs}/][^\\p{Cc}\\p{Cs}]{0,${MAX_ID - 1}}$`, 'u');

/** What a service has taken over. */
export interface Execution {
  /** The service's own id of it, else the path at which it is asked for. */
  readonly externalId: string;
  readonly firstWaitMs: number;
}

/** What came of it: the result as it stands in the state of the work, or the answer of the operation that gives it. */
export type ExecutionResult = { readonly value: JsonValue } | { readonly answer: DeclaredAnswer };

/** True for an answer that takes the work over instead of giving its result. */
export function isAccepted({ taskInterface }: ServiceCall, { status }: ServiceAnswer): boolean {
  return status === 202 || (taskInterface.execution.isDeclared && status >= 200 && status < 300);
}

/** Where work that a service took over is asked for: at the id that its answer gives, or at its `Location`. @throws {TaskFailedError} */
export function findExecution(call: ServiceCall, accepted: ServiceAnswer): Execution {
  const { isDeclared } = call.taskInterface.execution;
  const firstWaitMs = readRetryAfterMs(accepted) ?? FIRST_INTERVAL_MS;
  const externalId = isDeclared
    ? (findId(call, accepted) ?? findLocation(call, accepted))
    : (findLocation(call, accepted) ?? findId(call, accepted));
  if (externalId !== undefined) return { externalId, firstWaitMs };
  const { status } = accepted;
  throw contractViolation(
    accepted.header('location') === undefined
      ? `accepted the request for later (${status}) and does not say where to ask for it: neither Location nor ${call.taskInterface.execution.ids.join(', ')}`
      : `accepted the request for later (${status}) with a Location that is not below its own address`,
  );
}

function findLocation({ serviceUrl, taskInterface }: ServiceCall, accepted: ServiceAnswer): string | undefined {
  const location = accepted.header('location');
  const base = below(serviceUrl, taskInterface.execute.operation.path);
  const url = location === undefined ? null : URL.parse(location, base.href);
  return isBelow(serviceUrl, url) && url.href.length <= MAX_ID ? `${url.pathname}${url.search}` : undefined;
}

function findId({ taskInterface }: ServiceCall, accepted: ServiceAnswer): string | undefined {
  const { status, ids } = taskInterface.execution;
  if (!status || accepted.body.byteLength === 0) return undefined;
  const body = readJsonBody(accepted);
  const found = ids.map((pointer) => findByPointer(body, pointer)).find((value) => value !== undefined);
  const id = typeof found === 'number' ? String(found) : found;
  return typeof id === 'string' && ID.test(id) && !/^\.{1,2}$/.test(id) ? id : undefined;
}

/** As it was found when the work was accepted, perhaps by a process that is gone. @throws {TaskFailedError} EXECUTION_LOST where it leads nowhere any more. */
export function resumeExecution(call: ServiceCall, { externalId }: Pick<Execution, 'externalId'>): Execution {
  const isAddress = externalId.startsWith('/');
  const leads = isAddress
    ? isBelow(call.serviceUrl, URL.parse(externalId, call.serviceUrl.origin))
    : call.taskInterface.execution.status !== undefined;
  if (leads) return { externalId, firstWaitMs: 0 };
  throw executionLost();
}

/**
 * Asks for the state of accepted work until it ended and returns its result, unchecked where it stands in the state. Questions come less and less
 * often, from 1 s to 30 s apart, at least once a second while progress is reported, and as the service asks by Retry-After; one that honours
 * `Prefer: wait` is asked anew at once, and one that is called back is asked then. When the signal aborts the service is told to stop, unless
 * the call was only interrupted and the work will be asked for again.
 */
export async function awaitExecution(call: ServiceCall, execution: Execution): Promise<ExecutionResult> {
  try {
    return await poll(call, execution);
  } catch (error) {
    const isGivenUp = error instanceof TaskFailedError && error.failureCode === 'CONTRACT_VIOLATION';
    if (isGivenUp || (call.signal.aborted && !call.isInterrupted())) await cancelExecution(call, execution);
    throw error;
  }
}

async function poll(call: ServiceCall, { externalId, firstWaitMs }: Execution): Promise<ExecutionResult> {
  const contract = call.taskInterface.execution;
  let intervalMs = FIRST_INTERVAL_MS;
  let waitMs = firstWaitMs;
  for (let faults = 0; ; ) {
    await pause(call, waitMs);
    const answer = await ask(call, externalId);
    if (answer instanceof TaskFailedError) {
      // Asking is harmless, and the work may well go on behind a passing fault.
      if (++faults > MAX_FAULTS_IN_A_ROW) throw answer;
      const retryAfterMs = answer.details.retryAfterMs;
      waitMs = Math.max(typeof retryAfterMs === 'number' ? retryAfterMs : intervalMs, FAULT_INTERVAL_MS);
    } else {
      faults = 0;
      if (answer.status === 303) return { answer: await fetchResult(call, externalId, answer) };
      const state = answer.status === 202 ? NOTHING_NEW : readState(contract, readJsonBody(answer));
      if (state.progress !== undefined) call.onProgress?.(state.progress);
      if (state.phase === 'failed') throw failureOfExecution(findByPointer(state.body, contract.error));
      if (state.phase === 'canceled') throw canceledByService();
      if (state.phase === 'completed') {
        if (contract.resultOperation) return { answer: await fetchResult(call, externalId, answer) };
        return { value: findByPointer(state.body, contract.result) ?? null };
      }
      waitMs = nextWaitMs(answer, { intervalMs, lively: state.progress !== undefined });
    }
    intervalMs = Math.min(intervalMs * GROWTH, MAX_INTERVAL_MS);
  }
}

/** Until it is time to ask again, or the service calls back. */
async function pause({ clock, signal, bell }: ServiceCall, waitMs: number): Promise<void> {
  if (!bell) return clock.sleep(waitMs, signal);
  const { rung } = bell;
  try {
    await clock.sleep(waitMs, AbortSignal.any([signal, rung]));
  } catch (error) {
    signal.throwIfAborted();
    if (!rung.aborted) throw error;
    bell.rearm();
  }
}

interface State {
  readonly phase: 'running' | 'completed' | 'failed' | 'canceled';
  /** 0..1 */
  readonly progress: number | undefined;
  readonly body: JsonValue;
}

const NOTHING_NEW: State = { phase: 'running', progress: undefined, body: null };

/** Only what is needed of it: work of hours is not given up for a remark that its document does not know. */
function readState({ states, phases, progress, progressMax }: ExecutionInterface, body: JsonValue): State {
  const word = states.map((pointer) => findByPointer(body, pointer)).find((value) => value !== undefined);
  const phase = typeof word === 'object' ? undefined : phases.get(String(word).toLowerCase());
  if (!phase)
    throw contractViolation(
      `answered with a state of its execution that has no known status at ${states.join(' or ')}: ${JSON.stringify(word ?? null).slice(0, 100)} (what its words mean can be said in info.x-mad.execution)`,
    );
  const given = findByPointer(body, progress);
  const fraction = typeof given === 'number' ? given / progressMax : undefined;
  if (fraction !== undefined && !(fraction >= 0 && fraction <= 1))
    throw contractViolation(`answered with a progress of ${given}, beyond 0..${progressMax}`);
  return { phase, progress: fraction, body };
}

/** One question; a fault that may pass is returned, every other is thrown. */
async function ask(call: ServiceCall, externalId: string): Promise<ServiceAnswer | TaskFailedError> {
  const { status } = call.taskInterface.execution;
  let answer: ServiceAnswer;
  try {
    answer = await send(call, { operation: status, externalId, headers: { prefer: `wait=${HOLD_SECONDS}` } });
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof TaskFailedError && error.retryable) return error;
    throw error;
  }
  if (answer.status === 200 || answer.status === 202) return answer;
  // The way of those that keep results apart (RFC 9110, 15.4.4); nowhere else is a redirect followed.
  if (answer.status === 303 && status?.findAnswer(303)?.status === '303') return answer;
  if (answer.status === 404 || answer.status === 410) throw executionLost();
  if (answer.status < 300)
    throw contractViolation(`answered ${answer.status} where the state of its execution was asked for`);
  const failure = failureOfAnswer(answer);
  if (failure.retryable) return failure;
  throw failure;
}

/** As much of a call as it takes to ask something of its service. */
type Addressed = Connection & Pick<ServiceCall, 'serviceUrl' | 'taskInterface'>;

interface Question {
  readonly operation: OperationInterface | undefined;
  readonly externalId: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends an operation of accepted work: with its id, or at its address where that is all there is. */
async function send(
  call: Addressed & Pick<ServiceCall, 'signal'>,
  { operation, externalId, headers }: Question,
): Promise<ServiceAnswer> {
  const { execute, execution } = call.taskInterface;
  const exchange = openExchange(call, (operation ?? execute).operation);
  if (externalId.startsWith('/') || !operation) {
    const url = new URL(externalId, call.serviceUrl.origin);
    return exchange({ method: operation?.operation.method.toUpperCase() ?? 'GET', url, headers });
  }
  const { path, search, ...built } = await buildRequest(operation, { [execution.parameter]: externalId }, noFiles);
  return exchange({ ...built, url: below(call.serviceUrl, path, search), headers: { ...built.headers, ...headers } });
}

/** The result that is kept apart from the state: where its operation gives it, else where a 303 leads. */
async function fetchResult(call: ServiceCall, externalId: string, state: ServiceAnswer): Promise<DeclaredAnswer> {
  const { execute, execution } = call.taskInterface;
  const { resultOperation } = execution;
  if (resultOperation) return readAnswer(resultOperation, await send(call, { operation: resultOperation, externalId }));
  const base = below(call.serviceUrl, execution.status?.operation.path ?? '');
  const given = state.header('location');
  const location = given ? URL.parse(given, base.href) : null;
  if (!isBelow(call.serviceUrl, location))
    throw contractViolation('answered 303 without a Location below its own address, where the result would be');
  const answer = await openExchange(call, execute.operation)({ method: 'GET', url: location });
  if (answer.status !== 200) throw failureOfAnswer(answer);
  return { status: 200, header: answer.header, content: undefined, body: readJsonBody(answer) };
}

function nextWaitMs(answer: ServiceAnswer, { intervalMs, lively }: { intervalMs: number; lively: boolean }): number {
  if (/\bwait\b/.test(answer.header('preference-applied') ?? '')) return HELD_INTERVAL_MS;
  const asked = Math.max(readRetryAfterMs(answer) ?? intervalMs, LEAST_INTERVAL_MS);
  return lively ? Math.min(asked, LIVELY_INTERVAL_MS) : asked;
}

/** Tells the service to stop, within a second; one that cannot be told ends the work by itself. Never throws. */
export async function cancelExecution(call: Addressed, { externalId }: Pick<Execution, 'externalId'>): Promise<void> {
  const { cancel } = call.taskInterface.execution;
  if (!cancel) return;
  // An address is that of the state: only what is done to it by another method can be sent there.
  if (externalId.startsWith('/') && cancel.operation.method !== 'delete') return;
  await send({ ...call, signal: AbortSignal.timeout(CANCEL_TIMEOUT_MS) }, { operation: cancel, externalId }).catch(
    () => {},
  );
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
