import type { RequestListener } from 'node:http';
import { systemClock, TaskFailedError } from '@mad/core';
import { Agent } from 'undici';
import { afterAll, expect } from 'vitest';
import { callService } from '../src/client/call-service.ts';
import { NO_AUTHENTICATION } from '../src/client/exchange/authenticate.ts';
import type { ServiceCall } from '../src/client/exchange/service-call.ts';
import { RetryBudget } from '../src/client/exchange/with-retries.ts';
import { noFiles } from '../src/client/request/request-files.ts';
import { createTaskInterface } from '../src/openapi/task-interface.ts';
import { startServer } from './hand-made-server.ts';
import { measure } from './operations.ts';

const dispatcher = new Agent();
afterAll(() => dispatcher.close());

const measureInterface = createTaskInterface(measure.document);

/** One call of `measure` at this address, with whatever the test wants otherwise. */
export function call(url: string, more: Partial<ServiceCall> & { timeoutMs?: number } = {}): Promise<unknown> {
  const { timeoutMs = 5_000, ...facts } = more;
  return callService({
    serviceUrl: new URL(url),
    taskInterface: measureInterface,
    request: { molecule: 'ATOM 1\n', scale: 1, cpu: 0 },
    files: noFiles,
    idempotencyKey: 'key',
    signal: AbortSignal.timeout(timeoutMs),
    dispatcher,
    clock: systemClock,
    maxResponseBytes: 100_000,
    isInterrupted: () => false,
    externalId: undefined,
    onAccepted: async () => {},
    authenticate: async () => NO_AUTHENTICATION,
    retries: { budget: new RetryBudget(), onRetry: () => {} },
    ...facts,
  });
}

/** The typed failure of a call against a server that behaves so. */
export async function failureOf(
  listener: RequestListener,
  more: Parameters<typeof call>[1] = {},
): Promise<TaskFailedError> {
  await using server = await startServer(listener);
  const error: unknown = await call(server.url, more).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TaskFailedError);
  return error as TaskFailedError;
}
