import type { JsonObject } from '@mad/core';
import { TaskServiceError } from '../../errors.ts';
import { writeJson } from './write-json.ts';

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** What a handler threw as it can be answered: its own TaskServiceError, mended where it could not be sent, else INTERNAL_ERROR. Never throws. */
export function toFailure(thrown: unknown): { readonly failure: TaskServiceError; readonly isForeseen: boolean } {
  try {
    if (!(thrown instanceof TaskServiceError)) return { failure: internalError(thrown), isForeseen: false };
    const failure = mend(thrown);
    return { failure, isForeseen: failure === thrown };
  } catch (cause) {
    // Whatever was thrown throws when it is looked at.
    return { failure: internalError(cause), isForeseen: false };
  }
}

function mend(thrown: TaskServiceError): TaskServiceError {
  const { failureCode, message, status, details } = thrown;
  const isCode = typeof failureCode === 'string' && CODE.test(failureCode);
  const isStatus = Number.isInteger(status) && status >= 400 && status <= 599;
  const areDetails = isWritable(details);
  if (isCode && isStatus && areDetails && typeof message === 'string') return thrown;
  return new TaskServiceError({
    code: isCode ? failureCode : 'EXECUTION_FAILED',
    message: String(message),
    status: isStatus ? status : 500,
    details: areDetails ? details : undefined,
    cause: thrown,
  });
}

function isWritable(details: JsonObject): boolean {
  try {
    writeJson(details);
    return true;
  } catch {
    return false;
  }
}

function internalError(cause: unknown): TaskServiceError {
  return new TaskServiceError({
    code: 'INTERNAL_ERROR',
    message: 'the service met an internal error; its log names the cause',
    status: 500,
    cause,
  });
}
