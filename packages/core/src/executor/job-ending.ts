import { isMadError, LeaseLostError, TaskFailedError } from '../errors.ts';
import type { JobFailure } from '../job/job-failure.ts';
import type { JobToRun } from '../results/job-to-run.ts';

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

/** The run is broken off: its job may run elsewhere already. */
export class RunBrokenOff extends ExecutorStopping {}

/** True for the reason of a call's signal when its job may run elsewhere already: work that a service has taken over is not to be canceled. */
export function isInterruption(reason: unknown): boolean {
  return reason instanceof RunBrokenOff;
}

/** Another step of the job has failed. */
export class StepStopped extends DOMException {
  constructor() {
    super('another step of the job failed', 'AbortError');
  }
}

/** Why a call was cut off or a run broken off, as diagnostics tell it. */
export type CutOff = 'canceled' | 'executor_stopping' | 'step_stopped' | 'lease_lost' | 'fault';

export function toCutOff(reason: unknown): CutOff {
  if (reason instanceof JobCanceled) return 'canceled';
  if (reason instanceof ExecutorStopping) return 'executor_stopping';
  if (reason instanceof StepStopped) return 'step_stopped';
  return reason instanceof LeaseLostError ? 'lease_lost' : 'fault';
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

export const OVERDUE: JobFailure = {
  code: 'TIMEOUT',
  message: 'the job was not done by its deadline or within its timeoutMs; raise it, or lighten the work',
  retryable: false,
};

/** A job may be broken off this often without a crash, by databases that are away and executors that stop; one that goes on so comes to no end by itself. */
const MAX_BROKEN_OFF = 500;

/** Why a job that is claimed now ends without running: it was canceled, it has cut off run after run, or its time is over. */
export function findEarlyEnding(
  job: Pick<JobToRun, 'cancel_requested' | 'crash_count' | 'fence' | 'status'>,
  { maxCrashes, restMs }: { readonly maxCrashes: number; readonly restMs: number },
): JobEnding | undefined {
  // This claim takes an expired lease over, which is one crash more.
  const crashes = job.crash_count + (job.status === 'RUNNING' ? 1 : 0);
  if (job.cancel_requested) return { kind: 'close', status: 'CANCELED' };
  const isGoingRound = job.fence - job.crash_count > MAX_BROKEN_OFF;
  if (crashes > maxCrashes || isGoingRound) return { kind: 'close', status: 'FAILED', failure: gaveUp(job.fence) };
  return restMs <= 0 ? { kind: 'close', status: 'FAILED', failure: OVERDUE } : undefined;
}

function gaveUp(crashes: number): JobFailure {
  const message = `the run of this job was cut off again and again; look for what it does to its executor, then submit it anew (${crashes} times)`;
  return { code: 'WORKER_LOST', message, retryable: false };
}
