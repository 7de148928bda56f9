import { isMadError, TaskFailedError } from '../errors.ts';
import type { JsonObject } from '../json.ts';

/** An error as `jobs.error` and `task_executions.error` keep it. */
export interface JobFailure extends JsonObject {
  /** The domain's word (`NO_POSES`, `TIMEOUT`, `SERVICE_UNAVAILABLE` …) or the code of the library's error. */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** Step instance that failed; absent where the job itself did. */
  readonly step?: string;
  readonly details?: JsonObject;
}

/** What the rows keep of an error. Foreign errors keep their message out: it may hold what must not be stored. */
export function toJobFailure(error: unknown, step?: string): JobFailure {
  const place = step === undefined ? {} : { step };
  if (error instanceof TaskFailedError) {
    return {
      code: error.failureCode,
      message: error.message,
      retryable: error.retryable,
      details: error.details,
      ...place,
    };
  }
  if (isMadError(error))
    return { code: error.code, message: error.message, retryable: error.retryable, details: error.details, ...place };
  return {
    code: 'INTERNAL_ERROR',
    message: 'the executor met an error of its own; its log names the cause',
    retryable: false,
    ...place,
  };
}
