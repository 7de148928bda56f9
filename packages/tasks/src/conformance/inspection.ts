import type { JsonObject } from '@mad/core';
import type { ServiceAnswer } from '../client/exchange/send-request.ts';
import type { TaskInterface } from '../openapi/task-interface.ts';
import type { MadeRequest } from './make-request.ts';
import type { ServiceUnderTest, TaskAttempt } from './service-under-test.ts';

export interface TaskUnderTest {
  readonly document: JsonObject;
  readonly interface: TaskInterface;
}

/** An answer to a request that had to be refused. */
export interface Refusal {
  /** What was wrong with the request. */
  readonly fault: string;
  readonly answer: ServiceAnswer;
}

/** What a run works on, and what its rules have found so far for those after them. */
export interface Inspection {
  readonly service: ServiceUnderTest;
  /** OpenAPI as an object or text, or the URL where it is; undefined: it is looked for at the service. */
  readonly givenDocument: string | object | undefined;
  readonly givenRequest: JsonObject | undefined;
  /** False where the task must not be executed. */
  readonly execute: boolean;
  readonly repetitions: number;
  readonly healthPath: string;
  /** The document as it was found, unchecked. */
  text?: string | object;
  document?: JsonObject;
  task?: TaskUnderTest;
  request?: MadeRequest;
  /** With which status the service answers for its health. */
  healthStatus?: number;
  /** The first call with the valid request. */
  first?: TaskAttempt;
  /** The key it was made under. */
  firstKey?: string;
  readonly responses: JsonObject[];
  readonly refusals: Refusal[];
}
