import { isMadError, LeaseLostError, TaskFailedError } from '../errors.ts';
import type { JobFailure } from '../job/job-failure.ts';

/** Somebody asked to cancel the job: the reason with which its calls are aborted. */
export class JobCanceled extends DOMException {
  constructor() {
    super('the job was canceled', 'AbortError');
  }
}

/** The executor stops: its jobs are given back. */
export class ExecutorStopping extends DOMException {
  constructor() {
    super('the executor is stopping', 'AbortError');
  }
}

/** Another step of the job has failed. */
export class StepStopped extends DOMException {
  constructor() {
    super('another step of the job failed', 'AbortError');
  }
}

/**
 * Why a run starts nothing more. `close`: its last write is the job's end. `release`: it gives the lease back. `drop`: it writes nothing more, because
 * the lease is lost or the database is away.
 */
export type JobEnding =
  | { readonly kind: 'close'; readonly status: 'FAILED'; readonly failure: JobFailure }
  | { readonly kind: 'close'; readonly status: 'CANCELED' }
  | { readonly kind: 'release' }
  | { readonly kind: 'drop'; readonly error: unknown };

/** True for what no further run can mend: a task's last failure, and input that breaks its form. */
export function endsJob(error: unknown): boolean {
  return (
    error instanceof TaskFailedError || (isMadError(error) && !error.retryable && !(error instanceof LeaseLostError))
  );
}
