import { isJsonObject, type JsonObject, type JsonValue, TaskFailedError } from '@mad/core';
import {
  awaitExecution,
  cancelExecution,
  type Execution,
  findExecution,
  isAccepted,
  resumeExecution,
} from './accepted-work/await-execution.ts';
import { type DeclaredAnswer, readAnswer, violationOf } from './answer/read-answer.ts';
import { contractViolation } from './answer/read-json-body.ts';
import { failureOfAnswer } from './answer/service-failure.ts';
import { sendOperation } from './exchange/send-operation.ts';
import { openExchange, type ServiceCall } from './exchange/service-call.ts';
import { withCallback } from './request/with-callback.ts';

/**
 * The response of a service to one request, checked against the interface; a body that is no JSON object is its `body`, bytes as base64. A service
 * that takes the work over is asked until it is done, and told to stop when the signal aborts. The request is repeated only where that does no harm.
 * @throws {TaskFailedError} @throws the signal's reason when it aborts.
 */
export async function callService(call: ServiceCall): Promise<JsonObject> {
  const adopted = await adopt(call);
  if (adopted) return adopted.response;
  const { taskInterface, serviceUrl, idempotencyKey } = call;
  const { execute, execution, responseType } = taskInterface;
  const exchange = openExchange(call, execute.operation);
  const accept = execution.isDeclared ? undefined : responseType;
  const request = call.bell ? withCallback(execute, { request: call.request, url: call.bell.url }) : call.request;
  const answer = await sendOperation(execute, { ...call, request, serviceUrl, exchange, idempotencyKey, accept });
  if (answer.status >= 400) throw failureOfAnswer(answer);
  if (isAccepted(call, answer)) {
    const accepted = findExecution(call, answer);
    await call.onAccepted(accepted.externalId).catch(async (error: unknown) => {
      // Nobody will ask for it, and a repetition that the service does not know for one begins it anew.
      if (!execute.operation.takesIdempotencyKey) await cancelExecution(call, accepted);
      throw error;
    });
    return finish(call, accepted);
  }
  return toResponse(call, readAnswer(execute, answer));
}

/** What became of work that the service had taken over; undefined where there is none, or it is lost: then the request is sent. */
async function adopt(call: ServiceCall): Promise<{ readonly response: JsonObject } | undefined> {
  const { externalId } = call;
  if (externalId === undefined) return undefined;
  try {
    return { response: await finish(call, resumeExecution(call, { externalId })) };
  } catch (error) {
    if (error instanceof TaskFailedError && error.failureCode === 'EXECUTION_LOST') return undefined;
    throw error;
  }
}

async function finish(call: ServiceCall, execution: Execution): Promise<JsonObject> {
  const { isResponseWhole } = call.taskInterface;
  const result = await awaitExecution(call, execution);
  if ('answer' in result) return toResponse(call, result.answer);
  return checked(call, isResponseWhole ? result.value : { body: result.value });
}

function toResponse(call: ServiceCall, { status, content, body }: DeclaredAnswer): JsonObject {
  const { isResponseWhole, responseType } = call.taskInterface;
  if (content && content.mediaType !== responseType)
    throw contractViolation(
      `answered ${status} with ${content.mediaType}, and the result of this task is ${responseType ?? 'none'}`,
    );
  if (body === undefined && responseType !== undefined)
    throw contractViolation(`answered ${status} with no body, and the result of this task is ${responseType}`);
  return checked(call, isResponseWhole ? (body as JsonValue) : wrap(body));
}

function wrap(body: DeclaredAnswer['body']): JsonObject {
  if (body === undefined) return {};
  return { body: Buffer.isBuffer(body) ? body.toString('base64') : body };
}

function checked({ taskInterface }: ServiceCall, response: JsonValue): JsonObject {
  const issues = taskInterface.checkResponse(response);
  if (issues.length > 0) throw violationOf(issues);
  if (!isJsonObject(response)) throw contractViolation('answered with JSON that is not an object');
  return response;
}
