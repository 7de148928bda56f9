import { findByPointer, type JsonValue } from '@mad/core';
import { below } from '../client/exchange/service-call.ts';
import { buildRequest } from '../client/request/build-request.ts';
import { noFiles } from '../client/request/request-files.ts';
import type { Phase } from '../openapi/execution-contract.ts';
import type { OperationInterface } from '../openapi/operation-interface.ts';
import type { TaskInterface } from '../openapi/task-interface.ts';
import { tryReadJson } from './describe-answer.ts';
import type { Question, TaskAttempt } from './service-under-test.ts';
import type { WitnessedAnswer } from './witness.ts';

/** True for an answer that takes the work over instead of giving its result. */
export function takesOver({ execution }: TaskInterface, { status }: { readonly status: number }): boolean {
  return status === 202 || (execution.isDeclared && status >= 200 && status < 300);
}

/** The answer that took the work of a call over; undefined where the result came at once. */
export function findTakeover(task: TaskInterface, { answers }: TaskAttempt): WitnessedAnswer | undefined {
  const [first] = answers;
  return first && takesOver(task, first) ? first : undefined;
}

/** The states of accepted work that a call was answered, first to last. */
export function listStates(task: TaskInterface, attempt: TaskAttempt): readonly (JsonValue | undefined)[] {
  if (!findTakeover(task, attempt)) return [];
  const [, question, ...more] = attempt.answers;
  if (!question) return [];
  return [question, ...more]
    .filter(({ method, path, status }) => method === question.method && path === question.path && status === 200)
    .map(({ status, chunks, headers }) => {
      const header = (name: string) => (name === 'content-type' ? headers['content-type'] : undefined);
      return tryReadJson({ status, body: Buffer.concat(chunks), header });
    });
}

/** What a state means; undefined where it has no word that is known. */
export function phaseOf({ execution }: TaskInterface, state: JsonValue | undefined): Phase | undefined {
  const words = execution.states.map((pointer) => findByPointer(state, pointer));
  return execution.phases.get(String(words.find((word) => word !== undefined)).toLowerCase());
}

export interface AskOfExecution {
  readonly serviceUrl: URL;
  readonly operation: OperationInterface | undefined;
  /** The service's own id of the work, else the path at which it is asked for. */
  readonly externalId: string;
}

/** An operation of accepted work as it is sent: with its id, or at its address where that is all there is. */
export async function askOfExecution(task: TaskInterface, ask: AskOfExecution): Promise<Question> {
  const { serviceUrl, operation, externalId } = ask;
  const { security } = (operation ?? task.execute).operation;
  if (externalId.startsWith('/') || !operation) {
    const url = new URL(externalId, serviceUrl.origin);
    return { method: operation?.operation.method.toUpperCase() ?? 'GET', url, security };
  }
  const { path, search, ...built } = await buildRequest(operation, { [task.execution.parameter]: externalId }, noFiles);
  return { ...built, url: below(serviceUrl, path, search), security };
}
