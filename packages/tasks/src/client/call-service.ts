import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { awaitExecution, findExecution, resumeExecution } from './await-execution.ts';
import { type DeclaredAnswer, readAnswer, violationOf } from './read-answer.ts';
import { contractViolation } from './read-json-body.ts';
import { sendOperation } from './send-operation.ts';
import { openExchange, type ServiceCall } from './service-call.ts';
import { failureOfAnswer } from './service-failure.ts';

/**
 * The response of a service to one request, checked against the interface; a body that is no JSON object is its `body`, bytes as base64. A service
 * that accepts the work for later (202) is asked until it is done, and told to stop when the signal aborts. The request is repeated only where that does no harm.
 * @throws {TaskFailedError} @throws the signal's reason when it aborts.
 */
export async function callService(call: ServiceCall): Promise<JsonObject> {
  const { taskInterface, serviceUrl, idempotencyKey } = call;
  const { execute, isResponseWhole } = taskInterface;
  const exchange = openExchange(call);
  if (call.externalId !== undefined)
    return checked(
      call,
      await awaitExecution({ call, exchange }, resumeExecution(call, { externalId: call.externalId })),
    );
  const answer = await sendOperation(execute, { ...call, serviceUrl, exchange, idempotencyKey });
  if (answer.status === 202) {
    const execution = findExecution(call, answer);
    await call.onAccepted(execution.externalId);
    return checked(call, await awaitExecution({ call, exchange }, execution));
  }
  if (answer.status >= 400) throw failureOfAnswer(answer);
  const declared = readAnswer(execute, answer);
  // Checked already, with its media type.
  if (!isResponseWhole) return wrap(declared);
  return requireObject(declared.body as JsonValue);
}

function wrap({ body }: DeclaredAnswer): JsonObject {
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
