import { ValidationFailedError } from '@mad/core';
import type { ServiceAnswer } from '../client/exchange/send-request.ts';
import { below } from '../client/exchange/service-call.ts';
import { type BuiltRequest, buildRequest } from '../client/request/build-request.ts';
import { noFiles } from '../client/request/request-files.ts';
import type { BrokenRequest } from './break-request.ts';
import type { Inspection, TaskUnderTest } from './inspection.ts';

/** Where the task is called, and what goes with a body of any kind. */
export interface Target extends Pick<BuiltRequest, 'method' | 'headers'> {
  readonly url: URL;
}

/** Undefined where the path has parameters and no request fills them. */
export async function findTarget(
  { interface: { execute } }: TaskUnderTest,
  { service, request }: Inspection,
): Promise<Target | undefined> {
  const { method, path } = execute.operation;
  if (request) {
    const { path: filled, search, ...built } = await buildRequest(execute, request.value, noFiles);
    return { method: built.method, headers: built.headers, url: below(service.url, filled, search) };
  }
  if (path.includes('{')) return undefined;
  return { method: method.toUpperCase(), headers: {}, url: below(service.url, path) };
}

/** Sends a request that its schema does not allow; undefined where it cannot even be written. */
export async function sendBroken(
  { interface: task }: TaskUnderTest,
  { service }: Inspection,
  { value }: BrokenRequest,
): Promise<ServiceAnswer | undefined> {
  try {
    const { method, path, search, headers, body } = await buildRequest(task.execute, value, noFiles);
    const { security } = task.execute.operation;
    const answer = await service.ask({ method, url: below(service.url, path, search), headers, body, security });
    await service.letGo(task, answer);
    return answer;
  } catch (error) {
    if (error instanceof ValidationFailedError) return undefined;
    throw error;
  }
}
