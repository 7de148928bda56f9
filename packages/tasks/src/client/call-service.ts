import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { awaitExecution } from './await-execution.ts';
import { contractViolation, readJsonBody } from './read-json-body.ts';
import { type ServiceAnswer, sendRequest } from './send-request.ts';
import { below, type Exchange, type ServiceCall } from './service-call.ts';
import { failureOfAnswer } from './service-failure.ts';

/**
 * The response of a service to one request, checked against the interface. A service that accepts the work for later (202) is asked until
 * it is done, and told to stop when the signal aborts. The request itself is sent once.
 * @throws {TaskFailedError} @throws the signal's reason when it aborts.
 */
export async function callService(call: ServiceCall): Promise<JsonObject> {
  const { taskInterface, serviceUrl, signal, dispatcher, maxResponseBytes } = call;
  const exchange: Exchange = (sent) => sendRequest({ ...sent, signal, dispatcher, maxResponseBytes });
  const answer = await exchange({
    method: 'POST',
    url: below(serviceUrl, taskInterface.executePath),
    headers: { 'content-type': 'application/json', 'idempotency-key': call.idempotencyKey },
    body: JSON.stringify(call.request),
  });
  const response =
    answer.status === 202 ? await awaitExecution({ call, exchange, accepted: answer }) : readResponse(answer);
  const issues = taskInterface.checkResponse(response);
  if (issues.length > 0) {
    const shown = issues.slice(0, 3).map(({ pointer, message }) => `${pointer || '(root)'} ${message}`);
    throw contractViolation(`answered with a response that its document does not allow (${shown.join('; ')})`, {
      issues,
    });
  }
  if (!isJsonObject(response)) throw contractViolation('answered with JSON that is not an object');
  return response;
}

function readResponse(answer: ServiceAnswer): JsonValue {
  if (answer.status === 200 || answer.status === 201) return readJsonBody(answer);
  if (answer.status < 200 || answer.status > 299) throw failureOfAnswer(answer);
  throw contractViolation(`answered ${answer.status} where its document promises the response`);
}
