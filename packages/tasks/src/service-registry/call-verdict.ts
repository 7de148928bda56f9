import { TaskFailedError } from '@mad/core';
import type { CallVerdict } from './circuit.ts';

/** Statuses behind which nobody answered for the program itself. */
const GATEWAY = new Set<unknown>([502, 503, 504]);
/** What ended the call from this side. */
const OURS = new Set(['TIMEOUT', 'CANCELED']);

/** What the failure of a call says of the instance that was called: whatever it answers itself, it is well. */
export function verdictOf(error: unknown): CallVerdict {
  if (!(error instanceof TaskFailedError) || OURS.has(error.failureCode)) return 'unclear';
  if (isNetworkFault(error)) return 'sick';
  // With Retry-After it says itself that it is busy.
  const { status, retryAfterMs } = error.details;
  return GATEWAY.has(status) && retryAfterMs === undefined ? 'sick' : 'well';
}

/** True where no connection was made, so that no work can have begun. */
export function isUnreached(error: unknown): boolean {
  return error instanceof TaskFailedError && error.failureCode === 'SERVICE_UNAVAILABLE' && isNetworkFault(error);
}

/** A service can write any details into its answer; a cause it cannot. */
const isNetworkFault = ({ details, cause }: TaskFailedError): boolean => 'fault' in details && cause !== undefined;
