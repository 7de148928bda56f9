import { isJsonObject, type JsonObject, type JsonValue, TaskFailedError } from '@mad/core';
import { awaitExecution, findExecution, resumeExecution } from './await-execution.ts';
import { type DeclaredAnswer, readAnswer, violationOf } from './read-answer.ts';
import { contractViolation } from './read-json-body.ts';
import { sendOperation } from './send-operation.ts';
import { type Exchange, openExchange, type ServiceCall } from './service-call.ts';
import { failureOfAnswer } from './service-failure.ts';

/**
 * The response of a service to one request, checked against the interface; a body that is no JSON object is its `body`, bytes as base64. A service
 * that accepts the work for later (202) is asked until it is done, and told to stop when the signal aborts. The request is repeated only where that does no harm.
 * @throws {TaskFailedError} @throws the signal's reason when it aborts.
 */
export async function callService(call: ServiceCall): Promise<JsonObject> {
  const { taskInterface, serviceUrl, idempotencyKey } = call;
  const { execute, isResponseWhole, responseType } = taskInterface;
  const exchange = openExchange(call);
  const adopted = await adopt(call, exchange);
  if (adopted) return checked(call, adopted.response);
  const answer = await sendOperation(execute, { ...call, serviceUrl, exchange, idempotencyKey, accept: responseType });
  if (answer.status === 202) {
    const execution = findExecution(call, answer);
    await call.onAccepted(execution.externalId);
    return checked(call, await awaitExecution({ call, exchange }, execution));
  }
  if (answer.status >= 400) throw failureOfAnswer(answer);
  const { content, body } = readAnswer(execute, answer);
  if (content?.mediaType !== responseType)
    throw contractViolation(
      `answered ${answer.status} with ${content?.mediaType ?? 'no body'}, and the result of this task is ${responseType ?? 'none'}`,
    );
  return checked(call, isResponseWhole ? (body as JsonValue) : wrap(body));
}

/** What became of work that the service had taken over; undefined where there is none, or it is lost: then the request is sent. */
async function adopt(call: ServiceCall, exchange: Exchange): Promise<{ readonly response: JsonValue } | undefined> {
  const { externalId } = call;
  if (externalId === undefined) return undefined;
  try {
    return { response: await awaitExecution({ call, exchange }, resumeExecution(call, { externalId })) };
  } catch (error) {
    if (error instanceof TaskFailedError && error.failureCode === 'EXECUTION_LOST') return undefined;
    throw error;
  }
}

function wrap(body: DeclaredAnswer['body']): JsonObject {
  if (body === undefined) return {};
  return { body: Buffer.isBuffer(body) ? body.toString('base64') : body };
}

function checked({ taskInterface }: ServiceCall, response: JsonValue): JsonObject {
  const issues = taskInterface.checkResponse(response);
  if (issues.length > 0) throw violationOf(issues);
  return requireObject(response);
}

function requireObject(response: JsonValue): JsonObject {
  if (!isJsonObject(response)) throw contractViolation('answered with JSON that is not an object');
  return response;
}
